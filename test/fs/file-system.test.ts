import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { File, FileSystem } from '../../src/fs/file-system.js'
import { nodeFileSystem } from '../../src/fs/node-file-system.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { failures } from '../support/failures.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

// The simulated disks are worth what they share with the real one.
const FILE_SYSTEMS: Record<string, () => Promise<{ fs: FileSystem; directory: string }>> = {
  node: async () => ({ fs: nodeFileSystem, directory: temporaryDirectory() }),
  crashable: async () => inDirectory(new CrashableFileSystem()),
  'faulty without faults': async () => inDirectory(new FaultyFileSystem(new CrashableFileSystem()))
}

async function inDirectory(fs: FileSystem) {
  await fs.makeDirectory('/db')
  return { fs, directory: '/db' }
}

describe.each(Object.entries(FILE_SYSTEMS))('%s', (_, make) => {
  test.each(['read', 'write'] as const)('opening a missing file to %s it is ENOENT and makes none', async mode => {
    const { fs, directory } = await make()
    await expect(fs.open(join(directory, 'log'), mode)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await fs.list(directory)).toEqual([])
  })

  test('creating a file that is there is EEXIST and leaves its bytes', async () => {
    const { fs, directory } = await make()
    const path = join(directory, 'log')
    await fs.createWith(path, Buffer.from('kept'))
    await expect(fs.open(path, 'create')).rejects.toMatchObject({ code: 'EEXIST' })
    expect(text(await fs.readFile(path))).toBe('kept')
  })

  test.each(['open', 'createWith', 'rename'] as const)('%s in a missing directory is ENOENT', async call => {
    const { fs, directory } = await make()
    const path = join(directory, 'missing', 'log')
    await fs.createWith(join(directory, 'here'), Buffer.from('x'))
    const calls = {
      open: () => fs.open(path, 'create'),
      createWith: () => fs.createWith(path, Buffer.from('x')),
      rename: () => fs.rename(join(directory, 'here'), path)
    }
    await expect(calls[call]()).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('what is not there cannot be read, renamed, removed, listed or synced: ENOENT', async () => {
    const { fs, directory } = await make()
    const path = join(directory, 'missing')
    const calls = [
      fs.readFile(path),
      fs.rename(path, join(directory, 'other')),
      fs.remove(path),
      fs.list(path),
      fs.syncDirectory(path)
    ]
    for (const failure of await failures(calls)) expect(failure).toMatchObject({ code: 'ENOENT' })
  })

  test('a file opened to read it cannot be changed, but synced', async () => {
    const { fs, directory } = await make()
    const path = join(directory, 'log')
    await fs.createWith(path, Buffer.from('kept'))
    await using(fs.open(path, 'read'), async file => {
      await expect(file.write(Buffer.from('x'), 0)).rejects.toMatchObject({ code: 'EBADF' })
      expect(() => file.writeSync(Buffer.from('x'), 0)).toThrow(expect.objectContaining({ code: 'EBADF' }))
      await expect(file.truncate(0)).rejects.toMatchObject({ code: 'EINVAL' })
      await file.sync()
    })
    expect(text(await fs.readFile(path))).toBe('kept')
  })

  test('bytes are written and read at their positions, by both forms of write', async () => {
    const { fs, directory } = await make()
    const path = join(directory, 'log')
    await using(fs.open(path, 'create'), async file => {
      expect(await file.write(Buffer.from('hello world'), 0)).toBe(11)
      expect(file.writeSync(Buffer.from('W'), 6)).toBe(1)
      expect(await readAt(file, 5, 6)).toBe('World')
      expect(await file.size()).toBe(11)
    })
    await using(fs.open(path, 'write'), async file => {
      await file.write(Buffer.from('J'), 0)
      await file.sync()
    })
    expect(text(await fs.readFile(path))).toBe('Jello World')
  })

  test('a read gets fewer bytes at the end of the file and none past it, and leaves the rest of the buffer', async () => {
    const { fs, directory } = await make()
    await using(fs.open(join(directory, 'log'), 'create'), async file => {
      await file.write(Buffer.from('abc'), 0)
      const into = Buffer.from('......')
      expect(await file.read(into, 1)).toBe(2)
      expect(text(into)).toBe('bc....')
      expect(await file.read(into, 3)).toBe(0)
      expect(await file.read(into, 100)).toBe(0)
      expect(await file.read(Buffer.alloc(0), 0)).toBe(0)
    })
  })

  test('a gap that a write leaves, and what a truncation adds or cut off before, reads as zeros', async () => {
    const { fs, directory } = await make()
    await using(fs.open(join(directory, 'log'), 'create'), async file => {
      await file.write(Buffer.from('abcdef'), 0)
      await file.truncate(2)
      expect(await file.size()).toBe(2)
      await file.truncate(4)
      await file.write(Buffer.from('x'), 5)
      expect(await file.size()).toBe(6)
      expect(await readAt(file, 6, 0)).toBe('ab\0\0\0x')
      expect(await file.write(Buffer.alloc(0), 100)).toBe(0)
      expect(await file.size()).toBe(6)
    })
  })

  test('of two that make the same file with bytes at once one gets EEXIST, and nothing else is left', async () => {
    const { fs, directory } = await make()
    const path = join(directory, 'log')
    const outcomes = await Promise.allSettled(['one', 'two'].map(bytes => fs.createWith(path, Buffer.from(bytes))))
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
    expect(outcomes[1 - winner]).toMatchObject({ status: 'rejected', reason: { code: 'EEXIST' } })
    expect(text(await fs.readFile(path))).toBe(['one', 'two'][winner])
    expect(await fs.list(directory)).toEqual(['log'])
  })

  test('a rename replaces, and open files keep theirs', async () => {
    const { fs, directory } = await make()
    const [draft, log] = [join(directory, 'draft'), join(directory, 'log')]
    await fs.createWith(draft, Buffer.from('new'))
    await fs.createWith(log, Buffer.from('old'))
    await using(fs.open(log, 'write'), async file => {
      await fs.rename(draft, log)
      expect(await readAt(file, 3, 0)).toBe('old')
      await file.write(Buffer.from('x'), 0)
    })
    expect(text(await fs.readFile(log))).toBe('new')
    expect(await fs.list(directory)).toEqual(['log'])
  })

  test('a removed file stays for who has it open, and its name is free', async () => {
    const { fs, directory } = await make()
    const path = join(directory, 'log')
    await fs.createWith(path, Buffer.from('old'))
    await using(fs.open(path, 'read'), async file => {
      await fs.remove(path)
      expect(await fs.list(directory)).toEqual([])
      await fs.createWith(path, Buffer.from('new'))
      expect(await readAt(file, 3, 0)).toBe('old')
    })
  })

  test('directories are made with those above them, are left as they are when there, and are listed', async () => {
    const { fs, directory } = await make()
    const nested = join(directory, 'a', 'b', 'c')
    await fs.makeDirectory(nested)
    await fs.createWith(join(nested, 'log'), Buffer.from('kept'))
    await fs.makeDirectory(nested)
    await fs.syncDirectory(nested)
    expect(await fs.list(nested)).toEqual(['log'])
    expect(await fs.list(directory)).toEqual(['a'])
    await expect(fs.makeDirectory(join(nested, 'log'))).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(fs.makeDirectory(join(nested, 'log', 'd'))).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(fs.createWith(join(directory, 'a'), Buffer.from('x'))).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(fs.list(join(nested, 'log'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  })

  // Of the real one a descriptor's number may be another file's by now.
  test('a closed file is EBADF', async () => {
    const { fs, directory } = await make()
    const file = await fs.open(join(directory, 'log'), 'create')
    await file.close()
    const calls = [
      file.read(Buffer.alloc(1), 0),
      file.write(Buffer.alloc(1), 0),
      file.size(),
      file.sync(),
      file.close()
    ]
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'EBADF' } })
    }
    expect(() => file.writeSync(Buffer.alloc(1), 0)).toThrow(expect.objectContaining({ code: 'EBADF' }))
  })
})

async function using(opened: Promise<File>, act: (file: File) => Promise<void>): Promise<void> {
  const file = await opened
  try {
    await act(file)
  } finally {
    await file.close()
  }
}

async function readAt(file: File, length: number, position: number): Promise<string> {
  const into = Buffer.alloc(length)
  return text(into.subarray(0, await file.read(into, position)))
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

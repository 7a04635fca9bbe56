import node, { promises, readlinkSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { nodeFileSystem as fs } from '../../src/fs/node-file-system.js'
import { errnoError } from '../support/errno-error.js'
import { withoutHandleSync } from '../support/handles-without-sync.js'
import { LISTS_OPEN_FILES, openIn } from '../support/open-files.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

test('of many that make the same file with bytes at once one does, whole, and no draft is left', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'log')
  const contents = Array.from({ length: 16 }, (_, i) => Buffer.alloc(100_000, i))
  const outcomes = await Promise.allSettled(contents.map(bytes => fs.createWith(path, bytes)))
  const winners = [...outcomes.keys()].filter(i => outcomes[i]!.status === 'fulfilled')
  expect(winners).toHaveLength(1)
  expect(Buffer.compare(await fs.readFile(path), contents[winners[0]!]!)).toBe(0)
  expect(await fs.list(directory)).toEqual(['log'])
})

// FAT, exFAT on Windows, Android, and one that nobody knows of.
test.each(['EPERM', 'EISDIR', 'EACCES', 'ENOTSUP', 'EIO'])(
  'where files cannot be linked (%s) a file is made all the same, once, and no draft is left',
  async code => {
    const directory = temporaryDirectory()
    const path = join(directory, 'log')
    using link = vi.spyOn(promises, 'link').mockRejectedValue(errnoError(code, 'link', path))
    await fs.createWith(path, Buffer.from('first'))
    await expect(fs.createWith(path, Buffer.from('second'))).rejects.toMatchObject({ code: 'EEXIST' })
    expect(link).toHaveBeenCalledTimes(2)
    expect(Buffer.from(await fs.readFile(path)).toString()).toBe('first')
    expect(await fs.list(directory)).toEqual(['log'])
  }
)

test('a path with a slash at its end or two within makes the same directories', async () => {
  const directory = temporaryDirectory()
  await fs.makeDirectory(`${directory}/a//b/`)
  await fs.syncDirectory(join(directory, 'a', 'b'))
  expect(await fs.list(join(directory, 'a'))).toEqual(['b'])
})

test('files and directories are synced where a FileHandle cannot, as under Yarn’s Plug’n’Play', async () => {
  await withoutHandleSync()
  const directory = temporaryDirectory()
  await fs.makeDirectory(join(directory, 'a', 'b'))
  await fs.createWith(join(directory, 'a', 'file'), Buffer.from('x'))
  await fs.syncDirectory(directory)
  expect(await fs.list(join(directory, 'a'))).toEqual(['b', 'file'])
})

test.skipIf(!LISTS_OPEN_FILES)('no descriptor stays open, whether calls succeed or fail', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'log')
  const file = await fs.open(path, 'create')
  expect(openIn(directory)).toEqual([path])
  await file.close()
  const calls = [
    fs.open(path, 'create'),
    fs.open(join(directory, 'missing'), 'read'),
    fs.createWith(path, Buffer.from('x')),
    fs.createWith(join(directory, 'missing', 'log'), Buffer.from('x')),
    fs.createWith(join(directory, 'other'), Buffer.from('x')),
    fs.readFile(directory),
    fs.makeDirectory(join(directory, 'a', 'b')),
    fs.makeDirectory(path),
    fs.syncDirectory(directory),
    fs.syncDirectory(path)
  ]
  await Promise.allSettled(calls)
  expect(openIn(directory)).toEqual([])
})

test('a file is closed when the reads under way are over', async () => {
  const path = join(temporaryDirectory(), 'log')
  const contents = Buffer.alloc(8 * 1024 * 1024, 'contents')
  await fs.createWith(path, contents)
  const file = await fs.open(path, 'read')
  const ended: string[] = []
  const into = Buffer.alloc(contents.length)
  const read = file.read(into, 0).then(() => ended.push('read'))
  await file.close().then(() => ended.push('close'))
  await read
  expect(ended).toEqual(['read', 'close'])
  expect(into.equals(contents)).toBe(true)
})

/** Notes what is synced from now on, and may fail it. */
function syncsOf(failing: (path: string) => Error | undefined = () => undefined): string[] {
  const synced: string[] = []
  const { fsync } = node
  const spy = vi.spyOn(node, 'fsync').mockImplementation((descriptor, done) => {
    const path = readlinkSync(`/proc/self/fd/${descriptor}`)
    synced.push(path)
    const error = failing(path)
    if (error === undefined) fsync(descriptor, done)
    else done(error)
  })
  syncBuiltinESMExports()
  onTestFinished(() => {
    spy.mockRestore()
    syncBuiltinESMExports()
  })
  return synced
}

// Only Linux tells which file a descriptor is of.
describe.skipIf(!LISTS_OPEN_FILES)('on stable storage', () => {
  test('is a file that was made with bytes, then its name', async () => {
    const directory = temporaryDirectory()
    const synced = syncsOf()
    await fs.createWith(join(directory, 'log'), Buffer.from('x'))
    expect(synced).toEqual([expect.stringContaining(join(directory, 'log')), directory])
  })

  test('are the names of all directories that were made, or only that of one that was there', async () => {
    const directory = temporaryDirectory()
    const synced = syncsOf()
    const [a, b, c] = [join(directory, 'a'), join(directory, 'a', 'b'), join(directory, 'a', 'b', 'c')]
    await fs.makeDirectory(c)
    expect(synced.splice(0)).toEqual([b, a, directory])
    await fs.makeDirectory(c)
    expect(synced).toEqual([b])
  })

  test.each(['file', 'directory'])('is no file where the %s cannot be synced: it is gone again', async what => {
    const directory = temporaryDirectory()
    syncsOf(path => ((path === directory) === (what === 'directory') ? errnoError('EIO', 'fsync', path) : undefined))
    await expect(fs.createWith(join(directory, 'log'), Buffer.from('x'))).rejects.toMatchObject({ code: 'EIO' })
    expect(await fs.list(directory)).toEqual([])
  })

  test('is no file where neither links nor syncs work: it is gone again', async () => {
    const directory = temporaryDirectory()
    const path = join(directory, 'log')
    using _ = vi.spyOn(promises, 'link').mockRejectedValue(errnoError('EPERM', 'link', path))
    syncsOf(synced => (synced === path ? errnoError('EIO', 'fsync', path) : undefined))
    await expect(fs.createWith(path, Buffer.from('x'))).rejects.toMatchObject({ code: 'EIO' })
    expect(await fs.list(directory)).toEqual([])
  })

  test('is no directory whose name cannot be, even if it was there', async () => {
    const directory = temporaryDirectory()
    syncsOf(path => errnoError('EIO', 'fsync', path))
    await expect(fs.makeDirectory(join(directory, 'a'))).rejects.toMatchObject({ code: 'EIO' })
    await expect(fs.makeDirectory(join(directory, 'a'))).rejects.toMatchObject({ code: 'EIO' })
  })

  test.each(['EINVAL', 'ENOTSUP', 'EISDIR'])('directories need not be where they cannot be synced (%s)', async code => {
    const directory = temporaryDirectory()
    const synced = syncsOf(path => (path === directory ? errnoError(code, 'fsync', path) : undefined))
    await fs.createWith(join(directory, 'log'), Buffer.from('x'))
    expect(synced).toContain(directory)
  })
})

test('a draft that cannot be removed does no harm', async () => {
  const path = join(temporaryDirectory(), 'log')
  using _ = vi.spyOn(promises, 'rm').mockRejectedValue(errnoError('EBUSY', 'rm', path))
  await fs.createWith(path, Buffer.from('x'))
  expect(Buffer.from(await fs.readFile(path)).toString()).toBe('x')
})

/** The process has no right to open that directory. */
function unopenable(directory: string): void {
  const { open } = promises
  const spy = vi.spyOn(promises, 'open').mockImplementation((path, ...rest) => {
    if (path === directory) return Promise.reject(errnoError('EACCES', 'open', directory))
    return open(path, ...rest)
  })
  onTestFinished(() => spy.mockRestore())
}

test('a directory that was there may lie in one that cannot be opened; what was made in such a one is not durable', async () => {
  const directory = temporaryDirectory()
  unopenable(dirname(directory))
  await fs.makeDirectory(directory)
  unopenable(directory)
  await expect(fs.makeDirectory(join(directory, 'a'))).rejects.toMatchObject({ code: 'EACCES' })
})

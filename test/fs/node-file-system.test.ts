import { promises } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
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

import * as fs from 'node:fs'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryLevel } from 'memory-level'
import { expect, onTestFinished, test, vi } from 'vitest'
import { BlobStore } from '../../../adapters/blobs.js'
import { CompressedKvStore, nodeFileSystem } from '../../../src/index.js'
import { failures } from '../../support/failures.js'
import { withoutHandleSync } from '../../support/handles-without-sync.js'
import { LISTS_OPEN_FILES, openIn } from '../../support/open-files.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

vi.mock('node:fs', async original => {
  const actual = await original<typeof fs>()
  return { ...actual, fsync: vi.fn<typeof fs.fsync>(actual.fsync) }
})

test('a blob becomes a file where a FileHandle cannot sync one, as under Yarn’s Plug’n’Play', async () => {
  await withoutHandleSync()
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'in'), 'text')
  const blobs = new BlobStore(new CompressedKvStore(new MemoryLevel()))
  await blobs.putFile('k', join(directory, 'in'))
  await blobs.getFile('k', join(directory, 'out'))
  expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('text')
})

test('a file gets its name when its bytes are on stable storage, and then the name is put there', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'out')
  writeFileSync(path, 'before')
  const blobs = new BlobStore(new CompressedKvStore(new MemoryLevel()))
  await blobs.putBlob('k', Buffer.from('after'))
  const steps: unknown[] = []
  const { fsync } = await vi.importActual<typeof fs>('node:fs')
  vi.mocked(fs.fsync).mockImplementationOnce((descriptor, done) => {
    const [other] = readdirSync(directory).filter(name => name !== 'out')
    steps.push(['file', readFileSync(join(directory, other!), 'utf8'), readFileSync(path, 'utf8')])
    fsync(descriptor, done)
  })
  const syncDirectory = vi.spyOn(nodeFileSystem, 'syncDirectory').mockImplementationOnce(async synced => {
    steps.push(['directory', synced, readFileSync(path, 'utf8')])
  })
  onTestFinished(() => syncDirectory.mockRestore())
  await blobs.getFile('k', path)
  expect(steps).toEqual([
    ['file', 'after', 'before'],
    ['directory', directory, 'after']
  ])
})

test.skipIf(!LISTS_OPEN_FILES)('no file stays open', async () => {
  const directory = temporaryDirectory()
  const [given, path] = [join(directory, 'in'), join(directory, 'out')]
  writeFileSync(given, 'text')
  const blobs = new BlobStore(new CompressedKvStore(new MemoryLevel()))
  await blobs.putFile('k', given)
  await blobs.getFile('k', path)
  const aborting = new AbortController()
  const calls = [
    blobs.putFile('k', given, { signal: aborting.signal }),
    blobs.getFile('k', path, { signal: aborting.signal })
  ]
  aborting.abort()
  expect(await failures(calls)).not.toContain(undefined)
  await vi.waitFor(() => expect(openIn(directory)).toEqual([]))
})

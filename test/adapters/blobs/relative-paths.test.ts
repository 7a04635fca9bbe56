import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryLevel } from 'memory-level'
import { expect, onTestFinished, test } from 'vitest'
import { BlobStore } from '../../../adapters/blobs.js'
import { CompressedKvStore } from '../../../src/index.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

test('files of relative paths are where the process was at the call, though it goes elsewhere meanwhile', async () => {
  const before = process.cwd()
  onTestFinished(() => process.chdir(before))
  const root = temporaryDirectory()
  const [first, second] = [join(root, 'first'), join(root, 'second')]
  for (const directory of [first, second]) mkdirSync(directory)
  writeFileSync(join(first, 'in'), 'of the first')
  writeFileSync(join(second, 'in'), 'of the second')
  const blobs = new BlobStore(new CompressedKvStore(new MemoryLevel()))
  const after = async <T>(call: () => Promise<T>): Promise<T> => {
    process.chdir(first)
    const result = call()
    process.chdir(second)
    return result
  }
  await after(() => blobs.putFile('k', 'in'))
  await after(() => blobs.getFile('k', 'out'))
  expect(readFileSync(join(first, 'out'), 'utf8')).toBe('of the first')
  expect(readdirSync(first).toSorted()).toEqual(['in', 'out'])
  expect(readdirSync(second)).toEqual(['in'])
})

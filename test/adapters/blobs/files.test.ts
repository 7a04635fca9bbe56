import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryLevel } from 'memory-level'
import { expect, test } from 'vitest'
import { BlobStore } from '../../../adapters/blobs.js'
import { CompressedKvStore } from '../../../src/index.js'
import { withoutHandleSync } from '../../support/handles-without-sync.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

test('a blob becomes a file where a FileHandle cannot sync one, as under Yarn’s Plug’n’Play', async () => {
  await withoutHandleSync()
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'in'), 'text')
  const blobs = new BlobStore(new CompressedKvStore(new MemoryLevel()))
  await blobs.putFile('k', join(directory, 'in'))
  await blobs.getFile('k', join(directory, 'out'))
  expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('text')
})

import { CompressedKvStore } from 'compressed-kv'
import { BlobStore } from 'compressed-kv/blobs'
import { MemoryLevel } from 'memory-level'
import { expect, it } from 'vitest'
import { failures } from '../support/failures.js'
import { failing } from '../support/intercept.js'
import { PermanentMemoryLevel } from '../support/permanent-memory-level.js'
import { layersOf, memoryBackend, memoryStore, tinyCache, tokens } from './tensor-cache/tensors.js'

const NOT_OPEN = { code: 'LEVEL_DATABASE_NOT_OPEN' }

it('calls of a tensor cache whose store is closed meanwhile say that it is not open, not that an iterator is not', async () => {
  const store = new CompressedKvStore<string, Buffer>(new PermanentMemoryLevel())
  await tinyCache(store).putPrefix(tokens(16), layersOf(1, 2, 96))
  await store.close()
  await store.open()
  const cache = tinyCache(store)
  const calls = failures([cache.getPrefix(tokens(4)), cache.putPrefix(tokens(4), layersOf(1)), cache.clear()])
  await store.close()
  expect(await calls).toMatchObject([NOT_OPEN, NOT_OPEN, NOT_OPEN])
})

it('calls of a tensor cache whose store fails to open say why', async () => {
  const backend = memoryBackend()
  const cause = new Error('the marker cannot be read')
  failing(backend, ['_get'], cause)
  expect(await failures([tinyCache(memoryStore(backend)).hasPrefix(tokens(4))])).toMatchObject([{ ...NOT_OPEN, cause }])
})

it('calls of a blob store whose store is closed meanwhile say that it is not open, not that an iterator is not', async () => {
  const store = new CompressedKvStore(new MemoryLevel())
  const blobs = new BlobStore(store)
  await store.open()
  const calls = failures([blobs.putBlob('k', Buffer.from('v')), blobs.removeOrphans()])
  await store.close()
  expect(await calls).toMatchObject([NOT_OPEN, NOT_OPEN])
})

it('a list of blobs whose store is closed meanwhile says that it is not open, not that an iterator is not', async () => {
  const store = new CompressedKvStore(new MemoryLevel())
  const blobs = new BlobStore(store)
  for (const key of ['a', 'b']) await blobs.putBlob(key, Buffer.from(key))
  const list = blobs.listBlobs()
  expect(await list.next()).toMatchObject({ value: { key: 'a' } })
  await store.close()
  await expect(list.next()).rejects.toMatchObject(NOT_OPEN)
})

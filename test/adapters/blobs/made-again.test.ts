import { CompressedKvStore } from 'compressed-kv'
import { BlobStore } from 'compressed-kv/blobs'
import { MemoryLevel } from 'memory-level'
import { expect, test, vi } from 'vitest'

test('blob stores of one name share a sublevel, which the database would keep for each of them', async () => {
  const db = new CompressedKvStore(new MemoryLevel())
  const sublevel = vi.spyOn(db, 'sublevel')
  for (let i = 0; i < 3; i++) await new BlobStore(db).putBlob('key', Buffer.from([i]))
  expect(sublevel).toHaveBeenCalledTimes(1)
  expect(await new BlobStore(db, { name: 'other' }).statBlob('key')).toBeUndefined()
  expect(sublevel).toHaveBeenCalledTimes(2)
  await db.close()
})

test('a blob store made after the database was closed and opened again works', async () => {
  const db = new CompressedKvStore(new MemoryLevel())
  await new BlobStore(db).putBlob('key', Buffer.from('before'))
  await db.close()
  await db.open()
  const blobs = new BlobStore(db)
  await blobs.putBlob('key', Buffer.from('after'))
  expect(await blobs.statBlob('key')).toMatchObject({ length: 5 })
  await db.close()
})

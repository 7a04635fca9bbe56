import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CompressedKvStore } from 'compressed-kv'
import { BlobStore, type ListBlobsOptions } from 'compressed-kv/blobs'
import { beforeEach, describe, expect, it } from 'vitest'
import { failures } from '../../support/failures.js'
import { type Backend, memory, openStore, type Store } from '../../support/memory-store.js'
import { noise, text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { turns } from '../../support/turns.js'
import { blobsIn, bytesOf, CHUNK } from './blob-stores.js'

const CORRUPT = { code: 'LEVEL_CORRUPTION' }

let store: Store
let backend: Backend
let blobs: BlobStore

beforeEach(async () => {
  ;({ store, backend } = await openStore({}, memory()))
  blobs = blobsIn(store)
  await blobs.putBlob('k', Buffer.concat([text(2 * CHUNK), noise(2 * CHUNK)]))
})

/** What the backend has of chunks, in order. */
async function storedChunks(): Promise<{ key: Buffer; value: Buffer }[]> {
  const entries = await backend
    .iterator<Buffer, Buffer>({
      gte: Buffer.from('!blobs!c'),
      lt: Buffer.from('!blobs!d'),
      keyEncoding: 'buffer'
    })
    .all()
  return entries.map(([key, value]) => ({ key, value }))
}

function putStored(key: Buffer, value: Buffer): Promise<void> {
  return backend.put<Buffer, Buffer>(key, value, { keyEncoding: 'buffer' })
}

/** However it is read. */
async function expectCorrupt(): Promise<void> {
  await expect(blobs.getBlob('k').then(bytesOf)).rejects.toMatchObject(CORRUPT)
  const directory = temporaryDirectory()
  await expect(blobs.getFile('k', join(directory, 'out'))).rejects.toMatchObject(CORRUPT)
  expect(readdirSync(directory)).toEqual([])
}

it('a chunk with any byte changed is corrupt', async () => {
  const chunks = await storedChunks()
  expect(chunks).toHaveLength(4)
  for (const { key, value } of chunks) {
    for (const at of [0, value.length >>> 1, value.length - 1]) {
      const damaged = Buffer.from(value)
      damaged[at]! ^= 0x10
      await putStored(key, damaged)
      await expectCorrupt()
    }
    await putStored(key, value)
  }
  expect((await bytesOf(await blobs.getBlob('k'))).length).toBe(4 * CHUNK)
})

it('a chunk that is missing is corrupt, and a range without it is not', async () => {
  const [, second] = await storedChunks()
  await backend.del<Buffer>(second!.key, { keyEncoding: 'buffer' })
  await expectCorrupt()
  expect((await bytesOf(await blobs.getBlob('k', { start: 2 * CHUNK }))).equals(noise(2 * CHUNK))).toBe(true)
})

it('a chunk that is missing fails its reader, and nothing else, while the chunk before it is still unread', async () => {
  const large = new BlobStore(store, { name: 'large' })
  const { chunkBytes } = await large.putBlob('k', text(1_000_000))
  const level = store.sublevel<Buffer, Buffer>('large', { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const [, , third] = await level.keys({ gte: Buffer.from('c'), lt: Buffer.from('d') }).all()
  await level.del(third!)
  const reader = (await large.getBlob('k'))![Symbol.asyncIterator]()
  await turns() // An error that nobody has heard of yet must not end the process.
  expect((await reader.next()).value).toHaveLength(chunkBytes)
  expect((await reader.next()).value).toHaveLength(chunkBytes)
  await expect(reader.next()).rejects.toMatchObject(CORRUPT)
})

it('a chunk of another length is corrupt', async () => {
  const [first] = await storedChunks()
  const chunk = store.sublevel<Buffer, Buffer>('blobs', { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await chunk.put(first!.key.subarray('!blobs!'.length), text(CHUNK - 1))
  await expect(blobs.getBlob('k').then(bytesOf)).rejects.toMatchObject(CORRUPT)
})

it('chunks that have changed places fail the SHA-256 of the file', async () => {
  const [, , third, fourth] = await storedChunks()
  await putStored(third!.key, fourth!.value)
  await putStored(fourth!.key, third!.value)
  await expect(blobs.getFile('k', join(temporaryDirectory(), 'out'))).rejects.toMatchObject({
    ...CORRUPT,
    message: expect.stringContaining('SHA-256')
  })
})

describe('a manifest', () => {
  it('with any byte changed is corrupt; the blob can be replaced or deleted', async () => {
    const level = store.sublevel<Buffer, Buffer>('blobs', { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    const key = Buffer.from('mk')
    const manifest = (await level.get(key))!
    for (let at = 0; at < manifest.length; at++) {
      const damaged = Buffer.from(manifest)
      damaged[at]! ^= 1
      await level.put(key, damaged)
      await expect(blobs.statBlob('k')).rejects.toMatchObject(CORRUPT)
    }
    await expectCorrupt()
    expect(await blobs.deleteBlob('k')).toBe(true)
    expect(await blobs.statBlob('k')).toBeUndefined()
    await level.put(key, Buffer.from('neither checksum nor JSON'))
    await blobs.putBlob('k', text(3))
    expect((await bytesOf(await blobs.getBlob('k'))).equals(text(3))).toBe(true)
  })

  it('that cannot be read is named in an error after the others were listed', async () => {
    const level = store.sublevel<Buffer, Buffer>('blobs', { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    for (const key of ['a', 'b', 'c', 'd', 'e']) await blobs.putBlob(key, text(3))
    await level.put(Buffer.from('mb'), Buffer.from('neither checksum nor JSON'))
    await store.flush()
    const stored = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
    const damaged = (await backend.get<Buffer, Buffer>(Buffer.from('!blobs!md'), stored))!
    damaged[damaged.length - 1]! ^= 0x80 // The store itself cannot open this one.
    await putStored(Buffer.from('!blobs!md'), damaged)
    const listed = async (options?: ListBlobsOptions) => {
      const keys: string[] = []
      const list = async () => {
        for await (const { key } of blobs.listBlobs(options)) keys.push(key)
      }
      const [error] = await failures([list()])
      return [keys.join(''), (error as Error | undefined)?.message]
    }
    const [ofB, ofD] = [expect.stringContaining(`blob 'b'`), expect.stringContaining(`'!blobs!md'`)]
    expect(await listed()).toEqual(['acek', ofB])
    expect(await listed({ reverse: true })).toEqual(['keca', ofD])
    expect(await listed({ limit: 2 })).toEqual(['ac', ofB])
    expect(await listed({ gt: 'b', limit: 2 })).toEqual(['ce', ofD])
    expect(await listed({ gt: 'd' })).toEqual(['ek', undefined])
    await blobs.deleteBlob('b')
    await blobs.putBlob('d', text(3))
    expect(await listed()).toEqual(['acdek', undefined])
  })

  it('of one blob under the key of another is corrupt', async () => {
    const level = store.sublevel<Buffer, Buffer>('blobs', { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    await level.put(Buffer.from('mother'), (await level.get(Buffer.from('mk')))!)
    await expect(blobs.statBlob('other')).rejects.toMatchObject(CORRUPT)
  })
})

it('a store that is opened read-only gives blobs and takes none', async () => {
  await store.close()
  const reading = new CompressedKvStore<string, Buffer>(backend, { readOnly: true })
  const only = blobsIn(reading)
  expect((await bytesOf(await only.getBlob('k'))).length).toBe(4 * CHUNK)
  await expect(only.putBlob('k', text(1))).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
  await expect(only.deleteBlob('k')).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
  await reading.close()
})

import { CompressedKvStore } from 'compressed-kv'
import { BlobStore } from 'compressed-kv/blobs'
import { MemoryLevel } from 'memory-level'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesOf } from './blob-stores.js'

const INVALID = { code: 'CKV_INVALID_OPTION' }

let store: CompressedKvStore
let blobs: BlobStore

beforeAll(async () => {
  store = new CompressedKvStore(new MemoryLevel())
  blobs = new BlobStore(store)
  await blobs.putBlob('k', Buffer.from('bytes'))
})

afterAll(() => store.close())

describe('refused are', () => {
  it.each([0, 1023, 16 * 1024 * 1024 + 1, 2000.5, NaN, '4096'])('chunkBytes of %s', chunkBytes => {
    expect(() => new BlobStore(store, { chunkBytes: chunkBytes as number })).toThrow(expect.objectContaining(INVALID))
  })

  it('a database that is no store', () => {
    const refused = expect.objectContaining({ code: 'LEVEL_NOT_SUPPORTED' })
    expect(() => new BlobStore(new MemoryLevel())).toThrow(refused)
    expect(() => new BlobStore(undefined as never)).toThrow(refused)
    expect(() => new BlobStore({} as never)).toThrow(refused)
    expect(() => new BlobStore(new MemoryLevel().sublevel('inside'))).toThrow(refused)
  })

  it.each([undefined, null, 7, Buffer.from('k')])('a key that is %s', async key => {
    const refused = { code: 'LEVEL_INVALID_KEY' }
    await expect(blobs.putBlob(key as unknown as string, Buffer.alloc(1))).rejects.toMatchObject(refused)
    await expect(blobs.getBlob(key as unknown as string)).rejects.toMatchObject(refused)
    await expect(blobs.statBlob(key as unknown as string)).rejects.toMatchObject(refused)
    await expect(blobs.deleteBlob(key as unknown as string)).rejects.toMatchObject(refused)
  })

  it('a key that would become another one in UTF-8, perhaps that of another blob', async () => {
    const refused = { code: 'LEVEL_INVALID_KEY' }
    await expect(blobs.putBlob('a\ud800', Buffer.alloc(1))).rejects.toMatchObject(refused)
    await expect(blobs.getBlob('a\udfff')).rejects.toMatchObject(refused)
    for await (const { key } of blobs.listBlobs()) expect(key).toBe('k')
  })

  it.each([undefined, null, 7, ''])('the file %j', async path => {
    await expect(blobs.getFile('k', path as string)).rejects.toMatchObject(INVALID)
    await expect(blobs.putFile('other', path as string)).rejects.toMatchObject(INVALID)
  })

  it.each([{ start: -1 }, { end: -1 }, { start: 1.5 }, { end: NaN }, { start: '1' }])('the range %o', async range => {
    await expect(blobs.getBlob('k', range as { start: number })).rejects.toMatchObject(INVALID)
  })

  it.each([
    { model: '' },
    { model: 7 },
    { metadata: null },
    { metadata: ['a'] },
    { metadata: { a: 1 } },
    { metadata: new Map([['a', 'b']]) }
  ])('the options %o', async options => {
    await expect(blobs.putBlob('k', Buffer.alloc(1), options as { model: string })).rejects.toMatchObject(INVALID)
  })

  it('a model and metadata of more than 64 KiB together', async () => {
    const put = blobs.putBlob('k', Buffer.alloc(1), { metadata: { long: 'x'.repeat(65_536) } })
    await expect(put).rejects.toMatchObject({ code: 'CKV_VALUE_TOO_LARGE' })
  })
})

it('a call keeps its options, even if the caller changes the object for the next call', async () => {
  const asked = { model: '', metadata: { n: '' } }
  const puts = ['a', 'b'].map(name => {
    asked.model = asked.metadata.n = name
    return blobs.putBlob(name, Buffer.from(name.repeat(9)), asked)
  })
  expect(await Promise.all(puts)).toMatchObject([
    { model: 'a', metadata: { n: 'a' } },
    { model: 'b', metadata: { n: 'b' } }
  ])
  const range = { model: 'a', start: 0 }
  const reads = [1, 2, 3].map(start => {
    range.start = start
    return blobs.getBlob('a', range)
  })
  const found = (await Promise.all(reads)).map(bytesOf)
  expect((await Promise.all(found)).map(String)).toEqual(['a'.repeat(8), 'a'.repeat(7), 'a'.repeat(6)])
})

it('a blob store whose store is closed rejects calls', async () => {
  const closing = new CompressedKvStore(new MemoryLevel())
  const inIt = new BlobStore(closing)
  await inIt.putBlob('k', Buffer.alloc(1))
  await closing.close()
  await expect(inIt.putBlob('k', Buffer.alloc(1))).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
  await expect(inIt.getBlob('k')).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
})

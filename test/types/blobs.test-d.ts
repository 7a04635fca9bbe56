// oxlint-disable vitest/expect-expect -- `@ts-expect-error` asserts that something is refused
import type { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import type { CompressedKvStore } from 'compressed-kv'
import { BlobStore, type BlobStat, type LlamaState } from 'compressed-kv/blobs'
import { describe, expectTypeOf, it } from 'vitest'

declare const blobs: BlobStore

describe('a BlobStore', () => {
  it('is made over stores of any key and value, and sublevels of them', () => {
    void new BlobStore({} as CompressedKvStore)
    void new BlobStore({} as CompressedKvStore<number, Buffer>, { name: 'files', chunkBytes: 65_536 })
    void new BlobStore(({} as CompressedKvStore<number, Date>).sublevel('inside'))
    // @ts-expect-error Nothing that has no sublevels.
    void new BlobStore(new Map())
    // @ts-expect-error No such option.
    void new BlobStore({} as CompressedKvStore, { codec: 'zstd' })
  })

  it('takes bytes and streams of them', () => {
    void blobs.putBlob('k', Buffer.alloc(1))
    void blobs.putBlob('k', {} as Readable)
    void blobs.putBlob('k', new ReadableStream<Uint8Array>())
    void blobs.putBlob('k', new Uint8Array(1), {
      model: 'a',
      metadata: { b: 'c' },
      codec: 'zstd',
      signal: AbortSignal.abort()
    })
    // @ts-expect-error Text has an encoding.
    void blobs.putBlob('k', 'text')
    // @ts-expect-error Numbers are no metadata.
    void blobs.putBlob('k', Buffer.alloc(1), { metadata: { b: 1 } })
  })

  it('gives streams, and what it knows', () => {
    expectTypeOf(blobs.getBlob('k', { start: 0, end: 1, model: 'a' })).toEqualTypeOf<Promise<Readable | undefined>>()
    expectTypeOf(blobs.getFile('k', 'path')).toEqualTypeOf<Promise<BlobStat | undefined>>()
    expectTypeOf(blobs.putFile('k', 'path', { codec: 'lz4' })).toEqualTypeOf<Promise<BlobStat>>()
    expectTypeOf(blobs.statBlob('k')).toEqualTypeOf<Promise<BlobStat | undefined>>()
    expectTypeOf(blobs.deleteBlob('k')).toEqualTypeOf<Promise<boolean>>()
    expectTypeOf(blobs.removeOrphans()).toEqualTypeOf<Promise<number>>()
    expectTypeOf(blobs.listBlobs({ gte: 'a', limit: 1 })).toExtend<AsyncIterable<BlobStat>>()
    expectTypeOf<BlobStat['llamaState']>().toEqualTypeOf<LlamaState | undefined>()
    // @ts-expect-error A part of a file is asked for with getBlob.
    void blobs.getFile('k', 'path', { start: 1 })
  })
})

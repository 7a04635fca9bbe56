import { runInNewContext } from 'node:vm'
import { CompressedKvStore, Record, registerCodec, Wal } from 'compressed-kv'
import { BlobStore } from 'compressed-kv/blobs'
import { TensorCache } from 'compressed-kv/tensor-cache'
import { Level } from 'level'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openStore } from './support/memory-store.js'
import { text } from './support/sample-values.js'
import { temporaryDirectory } from './support/temporary-directory.js'

/*
 * Tests of jest run in a realm of their own, with classes of their own, and jsdom and zone.js replace some: `instanceof` says no there to what
 * native code, another module or an async function made.
 */

/** Classes of another realm. */
const Other = runInNewContext('({ Uint8Array, Float32Array, Promise })') as {
  readonly Uint8Array: typeof Uint8Array
  readonly Float32Array: typeof Float32Array
  readonly Promise: typeof Promise
}

const copy = (data: Uint8Array) => new Other.Uint8Array(data)
const halves = (data: Uint8Array) => copy(data.subarray(data.length / 2))
const twice = (data: Uint8Array) => copy(Buffer.concat([data, data]))

const MODES = [{}, { memtable: false }, { wal: false }]
const SMALL = Buffer.from('small')
const BIG = text(200_000)
const CACHE = { model: 'm', dtype: 'f32', layers: 1, shape: [1], seqAxis: 0, maxBytes: 1e6 } as const

function overLevel(options: object): CompressedKvStore<string, Buffer> {
  return new CompressedKvStore(new Level<string, Buffer>(temporaryDirectory(), { valueEncoding: 'buffer' }), options)
}

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('where a global is replaced', () => {
  it.each(MODES)('by a Uint8Array of which Buffers are none, a store works (%o)', async mode => {
    const store = overLevel({ codec: 'zstd', ...mode })
    vi.stubGlobal('Uint8Array', Other.Uint8Array)
    await store.put('key', BIG)
    await store.del('no such key')
    expect(await store.has('key')).toBe(true)
    await store.flush()
    expect(BIG.equals((await store.get('key'))!)).toBe(true)
    expect(store.stats().written.byCodec).toMatchObject({ zstd: { values: 1 } })
    await store.close()
  })

  it.each(MODES)('by a timer that is a number, a store works (%o)', async mode => {
    for (const name of ['setTimeout', 'setInterval']) vi.stubGlobal(name, () => 1)
    const store = overLevel({ codec: 'zstd', ...mode, gc: { intervalMs: 1_000_000 } })
    await store.put('key', BIG)
    expect(BIG.equals((await store.get('key'))!)).toBe(true)
    await store.close()
  })

  it.each(MODES)(
    'by fake timers, those are not given timers of the store to clear, which would go on (%o)',
    async mode => {
      const cleared: unknown[] = []
      for (const name of ['setTimeout', 'setInterval']) vi.stubGlobal(name, () => 1)
      for (const name of ['clearTimeout', 'clearInterval'])
        vi.stubGlobal(name, (timer: unknown) => void cleared.push(timer))
      const store = overLevel(mode)
      const cache = new TensorCache(store, CACHE)
      await cache.putPrefix([1], [Float32Array.of(1)])
      await cache.getPrefix([1]) // Its use is written later.
      await cache.flush()
      await store.close()
      expect(cleared.filter(timer => typeof timer === 'object')).toEqual([])
    }
  )

  it('by a timer that is a number, a sweep may be waited for while it pauses', async () => {
    const store = overLevel({ codec: 'zstd', gc: { bytesPerSecond: 1 } })
    await store.put('key', BIG)
    await store.flush()
    let inBackground: Promise<void> | undefined
    await new Promise<void>(paused => {
      vi.stubGlobal('setTimeout', () => {
        paused()
        return 1
      })
      inBackground = store.gc.runInBackground()
    })
    expect(await store.gc.run({ signal: AbortSignal.abort() })).toMatchObject({ complete: false, scanned: 0 })
    await store.gc.stop()
    await inBackground
    await store.close()
  })

  it.each(MODES)('by what calls nothing, as the fake timers of jest, calls are answered (%o)', async mode => {
    const store = overLevel({ codec: 'zstd', ...mode })
    await store.open()
    for (const name of ['setImmediate', 'queueMicrotask']) vi.stubGlobal(name, () => {})
    const names = Array.from({ length: 200 }, (_, i) => `key ${i}`)
    for (const name of names.slice(0, 100)) await store.put(name, SMALL)
    await Promise.all(names.map(name => store.put(name, BIG)))
    await store.flush()
    const found = await Promise.all(names.map(name => store.get(name)))
    expect(found.every(value => BIG.equals(value!))).toBe(true)
    await store.close()
  })

  it.each(MODES)('by a Promise of which those of async functions are none, a store works (%o)', async mode => {
    const store = overLevel({ codec: 'zstd', ...mode })
    await store.open()
    vi.stubGlobal('Promise', class extends Promise<unknown> {})
    await store.put('key', BIG)
    await store.batch([{ type: 'put', key: 'key 2', value: BIG }])
    await store.flush()
    expect(BIG.equals((await store.get('key'))!)).toBe(true)
    const entries = await store.iterator().all()
    expect(entries.map(([, value]) => BIG.equals(value))).toEqual([true, true])
    const blobs = new BlobStore(store)
    await blobs.putBlob('blob', BIG)
    const read: Buffer[] = []
    for await (const piece of (await blobs.getBlob('blob'))!) read.push(piece as Buffer)
    expect(BIG.equals(Buffer.concat(read))).toBe(true)
    await store.close()
  })
})

describe('of another realm', () => {
  const bytes = new Other.Uint8Array(BIG)

  it('what a codec returns is used', async () => {
    const codec = {
      id: 166,
      name: 'halves',
      compress: async (data: Uint8Array) => halves(data),
      decompress: async (data: Uint8Array) => twice(data),
      compressSync: halves,
      decompressSync: twice
    }
    registerCodec(codec)
    const { store } = await openStore({ codec })
    for (const length of [10_000, 100_000]) {
      const value = Buffer.alloc(length, 7)
      await store.put('key', value)
      expect(value.equals((await store.get('key'))!)).toBe(true)
    }
    expect(store.stats().written.byCodec).toMatchObject({ halves: { values: 2 } })
  })

  it('the key and the value of a record are bytes', async () => {
    const { wal } = await Wal.open({ dir: temporaryDirectory() })
    const position = await wal.append(Record.put(new Other.Uint8Array([1]), bytes))
    expect(BIG.equals((await wal.get(position)).value!)).toBe(true)
    await wal.close()
  })

  it('a blob is made of bytes, whole or piece by piece', async () => {
    const { store } = await openStore()
    const blobs = new BlobStore(store)
    expect(await blobs.putBlob('whole', bytes)).toMatchObject({ length: BIG.length })
    const pieces = (async function* () {
      yield bytes
    })()
    expect(await blobs.putBlob('pieces', pieces)).toMatchObject({ length: BIG.length })
  })

  it("a rule's prefix and a dictionary are bytes", () => {
    const prefix = new Other.Uint8Array([1])
    expect(() => overLevel({ codec: [{ prefix, codec: 'zstd' }] })).not.toThrow()
    expect(() => overLevel({ dictionary: bytes })).not.toThrow()
  })

  it('the arrays of a tensor cache are told by their type', async () => {
    const { store } = await openStore()
    const cache = new TensorCache(store, {
      model: 'm',
      dtype: 'f32',
      layers: 1,
      shape: [2, 3],
      seqAxis: 0,
      maxBytes: 1e6
    })
    await cache.putPrefix([1, 2], [Other.Float32Array.of(1, 2, 3, 4, 5, 6)])
    expect((await cache.getPrefix([1, 2]))?.layers).toEqual([Float32Array.of(1, 2, 3, 4, 5, 6)])
    const wrong = [new Other.Uint8Array(6) as unknown as Float32Array]
    await expect(cache.putPrefix([3, 4], wrong)).rejects.toMatchObject({ code: 'CKV_TENSOR_MISMATCH' })
  })
})

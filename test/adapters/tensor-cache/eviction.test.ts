import { CompressedKvStore, ZstdGc } from 'compressed-kv'
import type { TensorCache, TokenChunk } from 'compressed-kv/tensor-cache'
import { Level } from 'level'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Gate } from '../../support/gate.js'
import { intercept, WRITES } from '../../support/intercept.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { bits, layersOf, memoryBackend, memoryStore, type Store, storedBytes, tinyCache, tokens } from './tensors.js'

const BYTES = { valueEncoding: 'buffer' } as const

/** Room for three chunks and most of a fourth, while they are written. */
let maxBytes: number

beforeEach(async () => {
  const cache = tinyCache()
  await cache.putPrefix(tokens(4), layersOf(1))
  maxBytes = Math.floor(cache.stats().bytes * 3.9)
})

const sequences = (count: number) => Array.from({ length: count }, (_, n) => tokens(4, 100 * n))

async function cached(cache: TensorCache<'bf16'>, count: number): Promise<number[]> {
  const found: number[] = []
  for (const [n, sequence] of sequences(count).entries()) if ((await cache.hasPrefix(sequence)) > 0) found.push(n)
  return found
}

async function fill(cache: TensorCache<'bf16'>, count: number): Promise<void> {
  for (const [n, sequence] of sequences(count).entries()) await cache.putPrefix(sequence, layersOf(n))
}

describe('eviction', () => {
  it('takes the least recently used', async () => {
    const cache = tinyCache(memoryStore(), { maxBytes })
    await fill(cache, 3)
    await cache.getPrefix(tokens(4))
    await cache.putPrefix(tokens(4, 300), layersOf(3))
    expect(await cached(cache, 4)).toEqual([0, 2, 3])
    // Whether it is there does not count as use, and neither does putting it again change what is stored.
    await cache.putPrefix(tokens(4, 200), layersOf(9))
    await cache.hasPrefix(tokens(4))
    await cache.putPrefix(tokens(4, 400), layersOf(4))
    expect(await cached(cache, 5)).toEqual([2, 3, 4])
    expect(cache.stats()).toMatchObject({ entries: 3, evictions: 2, maxBytes })
  })

  it('takes the last chunk of a prefix first', async () => {
    const cache = tinyCache(memoryStore(), { maxBytes })
    await cache.putPrefix(tokens(12), layersOf(1, 2, 72))
    await cache.putPrefix(tokens(4, 100), layersOf(2))
    expect(await cache.hasPrefix(tokens(12))).toBe(8)
    const [first, second] = cache.chunksOf(tokens(8))
    await cache.getLayers(second!)
    await cache.putPrefix(tokens(4, 200), layersOf(3))
    expect([await cache.hasPrefix(tokens(8)), await cache.hasPrefix(tokens(4, 100))]).toEqual([8, 0])
    await cache.getLayers(first!)
    await cache.putPrefix(tokens(4, 300), layersOf(4))
    expect(await cache.hasPrefix(tokens(8))).toBe(4)
  })

  it('takes the last chunk first of a prefix that is still being put', async () => {
    const backend = memoryBackend()
    const cache = tinyCache(memoryStore(backend), { maxBytes })
    const gate = new Gate()
    let writes = 0
    intercept(backend, WRITES, async ({ proceed }) => {
      if (++writes === 4) await gate.wait()
      return proceed()
    })
    // Three chunks are there, and room for the fourth is being made, when another needs some.
    await cache.putPrefix(tokens(4, 200), layersOf(3))
    const putting = cache.putPrefix(tokens(12), layersOf(1, 2, 72))
    await gate.reached
    const other = cache.putPrefix(tokens(4, 100), layersOf(2))
    gate.open()
    await Promise.all([putting, other])
    expect(await cache.hasPrefix(tokens(4))).toBe(4)
    expect(await cache.hasPrefix(tokens(12))).toBeLessThan(12)
  })

  it('takes the last chunk first of a prefix that was put before a crash', async () => {
    const store = memoryStore()
    const before = tinyCache(store, { maxBytes: 1e6 })
    await before.putPrefix(tokens(4, 500), layersOf(5))
    await before.putPrefix(tokens(12), layersOf(1, 2, 72))
    await before.putPrefix(tokens(8, 100), layersOf(2, 2, 48)) // Nothing is flushed.
    const records = await indexOf(store)
    const used = (...prefix: number[]) => before.chunksOf(prefix).map(({ hash }) => records.get(hash)!)
    const [first, second, third] = used(...tokens(12))
    const [other, otherSecond] = used(...tokens(8, 100))
    const [alone] = used(...tokens(4, 500))
    const order = [alone, third, second, first, otherSecond, other]
    expect(order).toEqual([...order].sort((a, b) => a! - b!))
    expect(new Set(order).size).toBe(order.length)
  })

  it('evicts chunks of other models, and tensors, from the same store', async () => {
    const store = memoryStore()
    const old = tinyCache(store, { maxBytes, revision: 'old' })
    await fill(old, 2)
    await old.putTensor('x', { data: bits(200, 1), shape: [200] })
    const cache = tinyCache(store, { maxBytes })
    await fill(cache, 3)
    expect(await cached(old, 2)).toEqual([])
    expect(await old.getTensor('x')).toBeUndefined()
    expect(await cached(cache, 3)).toEqual([0, 1, 2])
  })

  it('deletes everything of an entry that it evicts', async () => {
    const backend = memoryBackend()
    const cache = tinyCache(memoryStore(backend), { maxBytes })
    await fill(cache, 20)
    expect(cache.stats().entries).toBe(3)
    expect(await backend.keys({ gte: 'tensor-cache:1:data:', lt: 'tensor-cache:1:data;' }).all()).toHaveLength(6)
    expect(await backend.keys({ gte: 'tensor-cache:1:index:', lt: 'tensor-cache:1:index;' }).all()).toHaveLength(3)
  })

  it('leaves what is pinned, and says that there is no room for more', async () => {
    const cache = tinyCache(memoryStore(), { maxBytes })
    await cache.putPrefix(tokens(12), layersOf(1, 2, 72))
    const pins = [await cache.pin(tokens(12)), await cache.pin(tokens(4))]
    expect(pins.map(pin => pin.tokens)).toEqual([12, 4])
    expect(await cache.putPrefix(tokens(4, 100), layersOf(2))).toBe(0)
    expect(await cache.putLayers(cache.chunksOf(tokens(4, 100))[0]!, layersOf(2))).toBe(false)
    expect(await cache.putTensor('x', { data: bits(200, 1), shape: [200] })).toBe(false)
    cache.unpin(pins[0]!)
    cache.unpin(pins[0]!)
    expect(await cache.putPrefix(tokens(8, 100), layersOf(2, 2, 48))).toBe(8)
    expect(await cache.hasPrefix(tokens(12))).toBe(4)
    cache.unpin(pins[1]!)
    await cache.putPrefix(tokens(4, 200), layersOf(3))
    expect(await cache.hasPrefix(tokens(12))).toBe(0)
  })

  it('leaves what is pinned until another cache over the store ends the pin', async () => {
    const store = memoryStore()
    const [cache, other] = [tinyCache(store, { maxBytes }), tinyCache(store, { maxBytes })]
    await cache.putPrefix(tokens(12), layersOf(1, 2, 72))
    const pin = await cache.pin(tokens(12))
    expect(await other.putPrefix(tokens(4, 100), layersOf(2))).toBe(0)
    other.unpin(pin)
    expect(await other.putPrefix(tokens(4, 100), layersOf(2))).toBe(4)
    cache.unpin(pin) // Has ended already.
    await cache.pin(tokens(8))
    expect(await other.putPrefix(tokens(8, 200), layersOf(3, 2, 48))).toBe(4)
  })

  it('never takes a chunk of the prefix that is being put: what does not fit is not put', async () => {
    const store = memoryStore()
    const cache = tinyCache(store, { maxBytes })
    await cache.putPrefix(tokens(4, 100), layersOf(2))
    const put = await cache.putPrefix(tokens(20), layersOf(1, 2, 120))
    expect(put).toBe(12)
    expect(await cache.hasPrefix(tokens(20))).toBe(put)
    expect(cache.stats().entries).toBe(3)
    // Afterwards it goes like any other.
    await fill(cache, 3)
    expect(await cached(cache, 3)).toEqual([0, 1, 2])
  })

  it('evicts nothing for what does not fit beside what is pinned', async () => {
    const cache = tinyCache(memoryStore(), { maxBytes })
    await fill(cache, 3)
    await cache.pin(tokens(4))
    await cache.pin(tokens(4, 100))
    const length = Math.floor(maxBytes / 4)
    expect(await cache.putTensor('x', { data: bits(length, 1), shape: [length] })).toBe(false)
    expect(await cached(cache, 3)).toEqual([0, 1, 2])
  })

  it('refuses what would not fit alone, and evicts nothing for it', async () => {
    const cache = tinyCache(memoryStore(), { maxBytes })
    await fill(cache, 3)
    const refused = { code: 'CKV_VALUE_TOO_LARGE' }
    const length = Math.ceil(maxBytes / 2)
    await expect(cache.putTensor('x', { data: bits(length, 1), shape: [length] })).rejects.toMatchObject(refused)
    expect(await cached(cache, 3)).toEqual([0, 1, 2])
  })

  it('counts a tensor that is replaced once', async () => {
    const cache = tinyCache(memoryStore(), { maxBytes })
    const most = Math.floor(maxBytes / 2) - 400
    for (let n = 0; n < 5; n++) {
      expect(await cache.putTensor('x', { data: bits(most - n, n), shape: [most - n] })).toBe(true)
      expect((await cache.getTensor('x'))!.data).toEqual(bits(most - n, n))
    }
    expect(cache.stats()).toMatchObject({ entries: 1, evictions: 0 })
  })
})

describe('maxBytes', () => {
  it('bounds what the backend holds at every moment, under concurrent puts', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const cache = tinyCache(store, { maxBytes })
    let most = 0
    backend.on('write', () => void storedBytes(backend).then(bytes => (most = Math.max(most, bytes))))
    const put = await Promise.all(
      sequences(60).map(async (sequence, n) => {
        if (n % 3 === 2) await cache.getPrefix(tokens(4, 100 * (n - 1)))
        return n % 5 === 0
          ? cache.putTensor(`t${n % 2}`, { data: bits(24 + n, n), shape: [24 + n] })
          : (await cache.putPrefix(sequence, layersOf(n))) > 0
      })
    )
    expect(put.every(Boolean)).toBe(true)
    expect(most).toBeGreaterThan(maxBytes / 2)
    expect(most).toBeLessThanOrEqual(maxBytes)
    await cache.flush()
    const bytes = await storedBytes(backend)
    expect(bytes).toBeLessThanOrEqual(cache.stats().bytes)
    // What is counted is what is stored, but for a little that an index entry may still grow.
    expect(bytes).toBeGreaterThan(0.8 * cache.stats().bytes)
  })

  it.each(['memory-level', 'level'])('bounds it over %s after a sweep that notes what does not pay', async name => {
    const backend = name === 'level' ? new Level<string, Buffer>(temporaryDirectory(), BYTES) : memoryBackend()
    const store = new CompressedKvStore(backend, { codec: 'zstd' })
    const layers = 64
    const cache = tinyCache(store, { maxBytes: 1e6, layers, dtype: 'i8' as 'bf16', shape: [4, 50], seqAxis: 0 })
    const values = layersOf(1, layers, 100).map(({ buffer }) => new Int8Array(buffer) as unknown as Uint16Array)
    await cache.putPrefix(tokens(4), values)
    await cache.flush()
    await store.gc.run({ policy: new ZstdGc({ minSize: 32 }) })
    await store.flush()
    expect(await storedBytes(backend)).toBeLessThanOrEqual(cache.stats().bytes)
    await store.close()
  })

  it('bounds it after the store was opened again, with less as well', async () => {
    const backend = memoryBackend()
    let store = memoryStore(backend)
    const before = tinyCache(store, { maxBytes })
    await fill(before, 3)
    const { bytes } = before.stats()
    await before.flush()
    store = await reopened(store)
    const same = tinyCache(store, { maxBytes })
    expect(await cached(same, 3)).toEqual([0, 1, 2])
    expect(same.stats().bytes).toBe(bytes)
    await fill(same, 4)
    expect(await storedBytes(backend)).toBeLessThanOrEqual(maxBytes)
    store = await reopened(store)
    const less = tinyCache(store, { maxBytes: Math.floor(maxBytes / 3) })
    expect(await cached(less, 4)).toEqual([3])
    expect(await storedBytes(backend)).toBeLessThanOrEqual(maxBytes / 3)
  })

  it('holds for a chunk whose exact size was never written', async () => {
    const backend = memoryBackend()
    let store = memoryStore(backend)
    await fill(tinyCache(store, { maxBytes }), 3)
    store = await reopened(store)
    const cache = tinyCache(store, { maxBytes })
    await cache.hasPrefix([])
    expect(cache.stats().bytes).toBeGreaterThanOrEqual(await storedBytes(backend))
    expect(cache.stats().bytes).toBeLessThanOrEqual(maxBytes)
  })
})

describe('recency', () => {
  it('survives a restart', async () => {
    let store = memoryStore()
    const before = tinyCache(store, { maxBytes })
    await fill(before, 3)
    await before.getPrefix(tokens(4))
    await before.getPrefix(tokens(4, 200))
    await before.flush()
    store = await reopened(store)
    const cache = tinyCache(store, { maxBytes })
    await cache.putPrefix(tokens(4, 300), layersOf(3))
    expect(await cached(cache, 4)).toEqual([0, 2, 3])
    await cache.putPrefix(tokens(4, 400), layersOf(4))
    expect(await cached(cache, 5)).toEqual([2, 3, 4])
  })

  it('is written in one batch, however often chunks are used', async () => {
    const store = memoryStore()
    const cache = tinyCache(store)
    await fill(cache, 3)
    await cache.flush()
    const { calls } = store.stats().writes
    for (let n = 0; n < 50; n++) await cache.getPrefix(tokens(4, 100 * (n % 3)))
    expect(store.stats().writes.calls).toBe(calls)
    await cache.flush()
    await cache.flush()
    expect(store.stats().writes.calls).toBe(calls + 1)
  })

  it('is not written again for all earlier chunks when a sequence is put, and then read, chunk by chunk', async () => {
    const store = memoryStore()
    const cache = tinyCache(store)
    const chunks = cache.chunksOf(tokens(4 * 64))
    const written = async (use: (chunk: TokenChunk) => Promise<unknown>) => {
      let count = 0
      for (const chunk of chunks) {
        const before = await indexOf(store)
        await use(chunk)
        await cache.flush()
        for (const [hash, used] of await indexOf(store)) if (before.get(hash) !== used) count++
      }
      return count
    }
    // It may be all of them when there is no time left before theirs, each time for twice as many.
    expect(await written(chunk => cache.putLayers(chunk, layersOf(chunk.start)))).toBeLessThan(64 * 5)
    await cache.putTensor('x', { data: bits(1, 1), shape: [1] })
    expect(await written(chunk => cache.getLayers(chunk))).toBeLessThan(64 * 5)
  })

  it('is highest for the first chunk of a sequence that is put chunk by chunk, then for the second and so on, whatever was used meanwhile', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(1e12) // So that there is no time between uses.
    const store = memoryStore()
    const cache = tinyCache(store)
    const one = cache.chunksOf(tokens(4 * 20))
    const other = cache.chunksOf(tokens(4 * 20, 1000))
    for (const [put, expected] of [
      [other.slice(0, 9), hashes(other.slice(0, 9))],
      [one, [...hashes(other.slice(0, 9)), ...hashes(one)]],
      [other.slice(9), [...hashes(one), ...hashes(other)]]
    ] as const) {
      for (const chunk of put) await cache.putLayers(chunk, layersOf(chunk.start))
      await cache.flush()
      const byUse = [...(await indexOf(store))].sort(([, a], [, b]) => a - b)
      expect(byUse.map(([hash]) => hash)).toEqual(expected)
      expect(new Set(byUse.map(([, used]) => used)).size).toBe(expected.length)
    }
    vi.restoreAllMocks()
  })
})

/** Of chunks of a sequence, the last one first. */
function hashes(chunks: readonly TokenChunk[]): string[] {
  return chunks.map(({ hash }) => hash).toReversed()
}

/** When each chunk was used, by its hash, as the store has it. */
async function indexOf(store: Store): Promise<Map<string, number>> {
  const used = new Map<string, number>()
  for await (const [key, value] of store.iterator({ gte: 'tensor-cache:1:index:', lt: 'tensor-cache:1:index;' })) {
    used.set(key.split(':c')[1]!, (JSON.parse(value.toString()) as { used: number }).used)
  }
  return used
}

async function reopened(store: Store): Promise<Store> {
  await store.close()
  await store.open()
  return store
}

import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { EntryIndex } from '../../../adapters/tensor-cache/entry-index.js'
import { Gate } from '../../support/gate.js'
import { intercept } from '../../support/intercept.js'
import { LAYOUT, layersOf, memoryBackend, memoryStore, tinyCache, tokens } from './tensors.js'

const littleEndian = (ids: readonly number[]) => Buffer.from(Uint32Array.from(ids).buffer)
const sha256 = (...parts: readonly (Buffer | string)[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

describe('chunks', () => {
  it('have hashes that cover everything before them, from the model on', async () => {
    const cache = tinyCache()
    const root = sha256(JSON.stringify([1, 'tiny', '', '', 'bf16', 2, [2, 4, 3], 1]))
    const first = sha256(root, littleEndian([0, 1, 2, 3]))
    const second = sha256(first, littleEndian([4, 5, 6, 7]))
    expect(cache.namespace).toBe(root.toString('hex', 0, 16))
    const chunks = cache.chunksOf(tokens(11))
    expect(chunks.map(({ hash, start, end }) => [hash, start, end])).toEqual([
      [first.toString('hex'), 0, 4],
      [second.toString('hex'), 4, 8]
    ])
    expect(chunks[1]!.parent).toBe(chunks[0])
    // The same tokens behind others are another chunk.
    expect(cache.chunksOf([...tokens(4, 4), ...tokens(4, 4)])[1]!.hash).not.toBe(chunks[1]!.hash)
  })

  it('are the same for any array of the same tokens', () => {
    const cache = tinyCache()
    const hashes = [
      [0, 1, 2, 0xffffffff],
      Uint32Array.of(0, 1, 2, 0xffffffff),
      BigInt64Array.of(0n, 1n, 2n, 0xffffffffn),
      BigUint64Array.of(0n, 1n, 2n, 0xffffffffn)
    ].map(ids => cache.chunksOf(ids)[0]!.hash)
    expect(new Set(hashes).size).toBe(1)
  })

  it('are stored under their namespace, hash and layer, in one range', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const cache = tinyCache(store)
    await cache.putPrefix(tokens(4), layersOf(1))
    const id = `${cache.namespace}:c${cache.chunksOf(tokens(4))[0]!.hash}`
    expect(await store.keys().all()).toEqual([
      `tensor-cache:1:data:${id}:0000`,
      `tensor-cache:1:data:${id}:0001`,
      `tensor-cache:1:index:${id}`
    ])
    expect(await store.get(`tensor-cache:1:data:${id}:0001`)).toEqual(Buffer.from(layersOf(1)[1]!.buffer))
    const record: unknown = JSON.parse((await store.get(`tensor-cache:1:index:${id}`))!.toString())
    expect(record).toMatchObject({ model: 'tiny', values: 2, tokens: [0, 4] })
  })
})

describe('hasPrefix', () => {
  it('counts the leading tokens that are cached, in whole chunks', async () => {
    const cache = tinyCache()
    expect(await cache.hasPrefix(tokens(20))).toBe(0)
    expect(await cache.putPrefix(tokens(14), layersOf(1, 2, 6 * 14))).toBe(12)
    expect(await cache.hasPrefix(tokens(20))).toBe(12)
    expect(await cache.hasPrefix(tokens(12))).toBe(12)
    expect(await cache.hasPrefix(tokens(11))).toBe(8)
    expect(await cache.hasPrefix(tokens(3))).toBe(0)
    expect(await cache.hasPrefix([])).toBe(0)
    expect(await cache.hasPrefix([0, 1, 2, 3, 9, 9, 9, 9])).toBe(4)
    expect(await cache.hasPrefix(tokens(12, 1))).toBe(0)
  })

  it('does not count what stands behind a gap', async () => {
    const cache = tinyCache()
    const chunks = cache.chunksOf(tokens(12))
    for (const i of [0, 2]) await cache.putLayers(chunks[i]!, layersOf(i))
    expect(await cache.hasPrefix(tokens(12))).toBe(4)
    expect(await cache.getPrefix(tokens(12))).toEqual({ tokens: 4, layers: layersOf(0) })
    await cache.putLayers(chunks[1]!, layersOf(1))
    expect(await cache.hasPrefix(tokens(12))).toBe(12)
  })

  it.each([
    { model: 'other' },
    { revision: 'r2' },
    { extra: 'lora' },
    { dtype: 'f16' as const },
    { layers: 4 },
    { shape: [2, 4, 4] },
    { shape: [4, 4, 3], seqAxis: 0 }
  ])('sees nothing of a cache that differs in $model$revision$extra$dtype$layers$shape', async other => {
    const store = memoryStore()
    await tinyCache(store).putPrefix(tokens(4), layersOf(1))
    const cache = tinyCache(store, { ...LAYOUT, ...other } as typeof LAYOUT)
    expect(await cache.hasPrefix(tokens(4))).toBe(0)
    expect(await cache.getPrefix(tokens(4))).toBeUndefined()
    expect(await tinyCache(store).hasPrefix(tokens(4))).toBe(4)
  })
})

describe('putPrefix', () => {
  it('writes only the chunks that are not there yet', async () => {
    const store = memoryStore()
    const cache = tinyCache(store)
    await cache.putPrefix(tokens(8), layersOf(1, 2, 48))
    const { values } = store.stats().written.byCodec['none']!
    await cache.putPrefix(tokens(12), layersOf(2, 2, 72))
    expect(store.stats().written.byCodec['none']!.values).toBe(values + 3)
    expect((await cache.getPrefix(tokens(8)))!.layers).toEqual(layersOf(1, 2, 48))
  })
})

describe('putPrefix of many chunks', () => {
  it('changes the order of use only a few times for each chunk, however long the prefix is', async () => {
    const changes = vi.spyOn(EntryIndex.prototype, 'add')
    const changesBefore = vi.spyOn(EntryIndex.prototype, 'addBefore')
    const length = 400
    expect(await tinyCache().putPrefix(tokens(length), layersOf(1, 2, 6 * length))).toBe(length)
    expect(changes.mock.calls.length + changesBefore.mock.calls.length).toBeLessThanOrEqual((4 * length) / 4)
    vi.restoreAllMocks()
  })
})

describe('getPrefix', () => {
  it('reads the next chunks while the first is read, five at a time', async () => {
    const backend = memoryBackend()
    const cache = tinyCache(memoryStore(backend))
    const layers = layersOf(1, 2, 6 * 24)
    await cache.putPrefix(tokens(24), layers)
    const gate = new Gate()
    let [underWay, most] = [0, 0]
    intercept(backend, ['_getMany'], async ({ proceed }) => {
      most = Math.max(most, ++underWay)
      if (most < 5) await gate.wait()
      gate.open()
      const values = await proceed()
      underWay--
      return values
    })
    expect(await cache.getPrefix(tokens(24))).toEqual({ tokens: 24, layers })
    expect(most).toBe(5)
  })

  it('reads nothing behind a chunk that turns out to be gone', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const cache = tinyCache(store)
    await cache.putPrefix(tokens(4 * 20), layersOf(1, 2, 6 * 80))
    const third = cache.chunksOf(tokens(12))[2]!
    await store.del(`tensor-cache:1:data:${cache.namespace}:c${third.hash}:0001`)
    let reads = 0
    intercept(backend, ['_getMany'], ({ proceed }) => {
      reads++
      return proceed()
    })
    expect((await cache.getPrefix(tokens(80)))!.tokens).toBe(8)
    expect(reads).toBeLessThanOrEqual(12)
    expect(cache.stats()).toMatchObject({ hits: 2, misses: 1 })
    expect(await cache.hasPrefix(tokens(80))).toBe(8)
  })
})

import { describe, expect, it } from 'vitest'
import { bits, layersOf, memoryBackend, memoryStore, type Store, storedBytes, tinyCache, tokens } from './tensors.js'

function sublevelOf(store: Store, ...names: string[]): Store {
  return store.sublevel<string, Buffer>(names, { valueEncoding: 'buffer' }) as unknown as Store
}

describe('caches over sublevels of one name', () => {
  it('work when one was asked for its numbers after its sublevel was closed with the store', async () => {
    const store = memoryStore()
    const first = tinyCache(sublevelOf(store, 'kv'))
    await first.putPrefix(tokens(4), layersOf(1))
    await store.close()
    await store.open()
    first.stats()
    const second = tinyCache(sublevelOf(store, 'kv'))
    expect(await second.hasPrefix(tokens(4))).toBe(4)
    expect(await second.putPrefix(tokens(4, 100), layersOf(2))).toBe(4)
    expect((await first.getPrefix(tokens(4)))!.layers).toEqual(layersOf(1))
  })

  it('work when the sublevel of the first is closed', async () => {
    const store = memoryStore()
    const sublevel = sublevelOf(store, 'kv')
    const first = tinyCache(sublevel)
    await first.putPrefix(tokens(4), layersOf(1))
    await sublevel.close()
    const second = tinyCache(sublevelOf(store, 'kv'))
    expect((await second.getPrefix(tokens(4)))!.layers).toEqual(layersOf(1))
    expect(await second.putTensor('x', { data: bits(6, 1), shape: [6] })).toBe(true)
    expect(await second.delTensor('x')).toBe(true)
  })

  it('share what is in the sublevel, and neither see nor touch what is beside it', async () => {
    const store = memoryStore()
    const [outer, inner] = [tinyCache(sublevelOf(store, 'a')), tinyCache(sublevelOf(store, 'a', 'b'))]
    await outer.putPrefix(tokens(4), layersOf(1))
    await inner.putPrefix(tokens(4), layersOf(2))
    await store.close()
    await store.open()
    const [again, beside] = [tinyCache(sublevelOf(store, 'a', 'b')), tinyCache(store)]
    expect((await again.getPrefix(tokens(4)))!.layers).toEqual(layersOf(2))
    expect(await beside.hasPrefix(tokens(4))).toBe(0)
    await again.clear()
    expect(await again.hasPrefix(tokens(4))).toBe(0)
    expect((await tinyCache(sublevelOf(store, 'a')).getPrefix(tokens(4)))!.layers).toEqual(layersOf(1))
    expect(await sublevelOf(store, 'a').keys({ gte: 'tensor-cache:', lt: 'tensor-cache;' }).all()).toHaveLength(3)
  })
})

describe('maxBytes of a cache in a sublevel', () => {
  it('counts the names of the sublevels in keys', async () => {
    const backend = memoryBackend()
    const cache = tinyCache(sublevelOf(memoryStore(backend), 'x'.repeat(200), 'y'.repeat(200)), { maxBytes: 6000 })
    for (let n = 0; n < 20; n++) await cache.putTensor(`t${n}`, { data: bits(4, n), shape: [4] })
    await cache.putPrefix(tokens(4), layersOf(1))
    await cache.flush()
    expect(cache.stats().evictions).toBeGreaterThan(0)
    expect(cache.stats().bytes).toBeLessThanOrEqual(6000)
    expect(await storedBytes(backend)).toBeLessThanOrEqual(cache.stats().bytes)
  })
})

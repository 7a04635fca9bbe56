import { describe, expect, it } from 'vitest'
import { memory, openStore, storedValue } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'
import { deflate } from '../support/user-codecs.js'

describe('stats()', () => {
  it('of a new store is empty', async () => {
    const { store } = await openStore()
    expect(store.stats()).toEqual({
      written: { values: 0, bytesIn: 0, bytesStored: 0, ratio: 1, byCodec: {} },
      raw: { codecNone: 0, belowMinSize: 0, incompressible: 0, looksIncompressible: 0, codecFailed: 0 },
      lastCodecError: undefined,
      read: { values: 0, payloadBytes: 0, bytesOut: 0, plain: 0 },
      cache: { hits: 0, misses: 0, entries: 0, bytes: 0 },
      writes: { calls: 0, backendCalls: 0, pending: 0 },
      dictionary: {
        id: undefined,
        bytes: 0,
        unused: 'off',
        count: 0,
        values: 0,
        bytesIn: 0,
        bytesStored: 0,
        estimatedSaving: 0,
        lastJudgement: undefined,
        judged: 0,
        lastError: undefined
      },
      gc: { isRunning: false, lastReport: undefined }
    })
  })

  it('say what sweeps do', async () => {
    const { store } = await openStore()
    await store.put('k', text(5000))
    const sweep = store.gc.run()
    expect(store.stats().gc).toEqual({ isRunning: true, lastReport: undefined })
    const report = await sweep
    expect(store.stats().gc).toEqual({ isRunning: false, lastReport: report })
  })

  it('counts what was written, byte by byte', async () => {
    const { store, backend } = await openStore()
    const values = {
      small: text(100),
      compressed: text(5000),
      large: text(100_000),
      noise: noise(3000),
      deflated: text(4000),
      none: text(2000)
    }
    const codecs = { deflated: deflate, none: 'none' } as Record<string, 'none' | typeof deflate>
    for (const [key, value] of Object.entries(values)) {
      await store.put(key, value, key in codecs ? { codec: codecs[key] } : {})
    }
    const stored: Record<string, number> = {}
    for (const key of Object.keys(values)) stored[key] = (await storedValue(backend, key)).length
    const sum = (...keys: (keyof typeof values)[]) => {
      const bytesIn = keys.reduce((total, key) => total + values[key].length, 0)
      const bytesStored = keys.reduce((total, key) => total + stored[key]!, 0)
      return { values: keys.length, bytesIn, bytesStored, ratio: bytesStored / bytesIn }
    }
    const all = sum('small', 'compressed', 'large', 'noise', 'deflated', 'none')
    const { written, raw, writes } = store.stats()
    expect(written).toEqual({
      ...all,
      byCodec: {
        lz4: sum('compressed', 'large'),
        deflate: sum('deflated'),
        none: sum('small', 'noise', 'none')
      }
    })
    expect(raw).toEqual({ codecNone: 1, belowMinSize: 1, incompressible: 1, looksIncompressible: 0, codecFailed: 0 })
    expect(writes).toEqual({ calls: 6, backendCalls: 6, pending: 0 })
  })

  it('counts what was read, plain values apart', async () => {
    const backend = memory()
    await backend.put('plain', text(1000))
    const { store } = await openStore({}, backend)
    await store.put('k', text(5000))
    await store.get('k')
    await store.get('plain')
    await store.get('missing')
    store.getSync('k')
    await store.getMany(['k', 'missing', 'plain'])
    await store.values().all()
    await store.has('k')
    await store.keys().all()
    const { read } = store.stats()
    expect(read).toMatchObject({ values: 7, bytesOut: 4 * 5000 + 3 * 1000, plain: 3 })
    expect(read.payloadBytes).toBeLessThan(3 * 1000 + 4 * 1000)
  })

  it('counts calls of put, del and batch', async () => {
    const { store } = await openStore()
    await Promise.all([store.put('a', text(10)), store.del('b'), store.batch([{ type: 'del', key: 'c' }])])
    await store.batch().put('d', text(10)).write()
    await store.clear()
    await store.flush()
    expect(store.stats().writes).toEqual({ calls: 4, backendCalls: 2, pending: 0 })
  })

  it('hands out copies', async () => {
    const { store } = await openStore()
    await store.put('k', text(10))
    const first = store.stats()
    Object.assign(first.raw, { belowMinSize: 99 })
    Object.assign(first.written.byCodec['none']!, { values: 99 })
    expect(store.stats().raw.belowMinSize).toBe(1)
    expect(store.stats().written.byCodec['none']!.values).toBe(1)
    expect(first.writes.calls).toBe(1)
    await store.put('k', text(10))
    expect(first.writes.calls).toBe(1)
  })

  it('only goes up: closing and opening again resets nothing', async () => {
    const { store } = await openStore({ cacheBytes: 10_000 })
    await store.put('k', text(10))
    await store.get('k')
    await store.get('k')
    await store.close()
    const closed = store.stats()
    expect(closed.written.values).toBe(1)
    expect(closed.writes.calls).toBe(1)
    expect(closed.cache).toMatchObject({ hits: 1, misses: 1 })
    await store.open()
    await store.put('k', text(10))
    expect(store.stats().written.values).toBe(2)
    expect(store.stats().writes.calls).toBe(2)
    expect(store.stats().cache).toMatchObject({ hits: 1, misses: 1 })
  })
})

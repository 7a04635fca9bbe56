import { isDeepStrictEqual } from 'node:util'
import type { TensorCache } from 'compressed-kv/tensor-cache'
import type { MemoryLevel } from 'memory-level'
import { describe, expect, it, vi } from 'vitest'
import { Gate } from '../../support/gate.js'
import { failing, intercept, WRITES } from '../../support/intercept.js'
import { seededRandom } from '../../support/seeded-random.js'
import { track, turns } from '../../support/turns.js'
import { bits, layersOf, memoryBackend, memoryStore, type Store, storedBytes, tinyCache, tokens } from './tensors.js'

/** The next write of a backend fails when the gate is opened, and those after it do not. */
function firstWriteFails(backend: MemoryLevel<string, Buffer>, error: Error): Gate {
  const gate = new Gate()
  let writes = 0
  intercept(backend, WRITES, async ({ proceed }) => {
    if (++writes > 1) return proceed()
    await gate.wait()
    throw error
  })
  return gate
}

describe('a chunk that is being evicted', () => {
  it('is a miss if it is evicted while it is read', async () => {
    const backend = memoryBackend()
    const cache = tinyCache(memoryStore(backend))
    await cache.putPrefix(tokens(8), layersOf(1, 2, 48))
    const gate = new Gate()
    // Of the second chunk one layer is read before it is deleted, and the other after.
    let reads = 0
    intercept(backend, ['_getMany'], async ({ proceed }) => {
      if (++reads === 1) return proceed()
      const [first] = (await proceed()) as unknown[]
      await gate.wait()
      const [, second] = (await proceed()) as unknown[]
      return [first, second]
    })
    const reading = cache.getPrefix(tokens(8))
    await gate.reached
    await cache.clear()
    gate.open()
    expect(await reading).toEqual({ tokens: 4, layers: layersOf(1, 2, 48).map(layer => firstChunkOf(layer)) })
    expect(await cache.getPrefix(tokens(8))).toBeUndefined()
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0 })
  })

  it('is a miss, and gone for good, if another program deleted one of its layers', async () => {
    const store = memoryStore()
    const cache = tinyCache(store)
    await cache.putPrefix(tokens(4), layersOf(1))
    const [key] = await store.keys({ gte: 'tensor-cache:1:data:', limit: 1 }).all()
    await store.del(key!)
    expect(await cache.getPrefix(tokens(4))).toBeUndefined()
    expect(await cache.hasPrefix(tokens(4))).toBe(0)
    expect(await store.keys().all()).toEqual([])
    expect(await cache.putPrefix(tokens(4), layersOf(2))).toBe(4)
    expect((await cache.getPrefix(tokens(4)))!.layers).toEqual(layersOf(2))
  })

  it('is a miss if it is evicted, and put again, while its layers are read in several calls', async () => {
    const store = memoryStore()
    const elements = 2 ** 19 // 1 MiB a layer, which is read by a call of its own.
    const cache = tinyCache(store, { layers: 6, shape: [4, elements / 4], seqAxis: 0 })
    const [chunk] = cache.chunksOf(tokens(4))
    const old = Array<Uint16Array>(6).fill(bits(elements, 1))
    const layers = Array<Uint16Array>(6).fill(bits(elements, 2))
    for (const read of [() => cache.getLayers(chunk!), () => cache.getPrefix(tokens(4))]) {
      await cache.clear()
      await cache.putLayers(chunk!, old)
      const gate = new Gate()
      // The sixth layer is asked for when one of the first five is there.
      const release = intercept(store, ['_getMany'], async ({ proceed }) => {
        const values = await proceed()
        await gate.wait()
        return values
      })
      const reading = read()
      await gate.reached
      await cache.clear()
      await cache.putLayers(chunk!, layers)
      release()
      gate.open()
      expect(await reading).toBeUndefined()
      expect((await cache.getLayers(chunk!))!.map(([first]) => first)).toEqual(layers.map(([first]) => first))
    }
  })

  it('may be put again at once', async () => {
    const backend = memoryBackend()
    const cache = tinyCache(memoryStore(backend))
    await cache.putPrefix(tokens(4), layersOf(1))
    const cleared = cache.clear()
    const put = cache.putPrefix(tokens(4), layersOf(2))
    await Promise.all([cleared, put])
    // What is put is there when the deletion was first, and gone when it was not.
    const found = await cache.getPrefix(tokens(4))
    expect([undefined, ...layersOf(2)]).toContainEqual(found?.layers[0])
    expect(cache.stats().entries).toBe(found === undefined ? 0 : 1)
    expect(await storedBytes(backend)).toBeLessThanOrEqual(cache.stats().bytes)
  })
})

it('clear() deletes what is being put when it is called', async () => {
  const store = memoryStore()
  const cache = tinyCache(store)
  const puts = [
    cache.putPrefix(tokens(16), layersOf(1, 2, 96)),
    cache.putTensor('x', { data: bits(10, 1), shape: [10] })
  ] as const
  await cache.clear()
  await Promise.all(puts)
  expect(await store.keys().all()).toEqual([])
  expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0 })
})

it('clear() leaves what is put after it was called', async () => {
  const cache = tinyCache()
  const x = { data: bits(10, 1), shape: [10] }
  await cache.putPrefix(tokens(16), layersOf(1, 2, 96))
  await cache.putTensor('x', { data: bits(10, 2), shape: [10] })
  const clearing = cache.clear()
  const puts = [cache.putPrefix(tokens(16), layersOf(3, 2, 96)), cache.putTensor('x', x), cache.putTensor('y', x)]
  expect(await Promise.all(puts)).toEqual([16, true, true])
  await clearing
  expect(await cache.getPrefix(tokens(16))).toEqual({ tokens: 16, layers: layersOf(3, 2, 96) })
  expect([await cache.getTensor('x'), await cache.getTensor('y')]).toEqual([x, x])
})

/** Flips a bit in every value of a cache. */
async function damage(store: Store, backend: MemoryLevel<string, Buffer>): Promise<void> {
  await store.flush()
  for (const key of await backend.keys({ gte: 'tensor-cache:1:data:', lt: 'tensor-cache:1:data;' }).all()) {
    const value = (await backend.get(key))!
    value[3]! ^= 1
    await backend.put(key, value)
  }
}

describe('a damaged value', () => {
  it('is an error, and then its chunk is a miss and can be put again', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const cache = tinyCache(store)
    await cache.putPrefix(tokens(4), layersOf(1))
    await cache.pin(tokens(4))
    await damage(store, backend)
    await expect(cache.getPrefix(tokens(4))).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    expect(await cache.hasPrefix(tokens(4))).toBe(0)
    expect(cache.stats()).toMatchObject({ bytes: 0, entries: 0 })
    expect(await cache.putPrefix(tokens(4), layersOf(1))).toBe(4)
    expect((await cache.getPrefix(tokens(4)))!.layers).toEqual(layersOf(1))
  })

  it('of a tensor is an error, and then there is no such tensor', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const cache = tinyCache(store)
    await cache.putTensor('x', tensorOf(1000))
    await damage(store, backend)
    await expect(cache.getTensor('x')).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    expect(await cache.getTensor('x')).toBeUndefined()
  })
})

describe('a damaged index entry', () => {
  it('is a miss and gone with its chunk, and all others are there', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const before = tinyCache(store)
    for (const first of [0, 100, 200]) await before.putPrefix(tokens(4, first), layersOf(first))
    const id = `${before.namespace}:c${before.chunksOf(tokens(4, 100))[0]!.hash}`
    await store.close()
    await backend.open()
    const damaged = (await backend.get(`tensor-cache:1:index:${id}`))!
    damaged[3]! ^= 1
    await backend.put(`tensor-cache:1:index:${id}`, damaged)

    const cache = tinyCache(memoryStore(backend))
    for (const first of [0, 200]) expect((await cache.getPrefix(tokens(4, first)))!.layers).toEqual(layersOf(first))
    expect(await cache.getPrefix(tokens(4, 100))).toBeUndefined()
    expect(await backend.keys({ gte: `tensor-cache:1:data:${id}:`, lt: `tensor-cache:1:data:${id};` }).all()).toEqual(
      []
    )
    expect(await backend.get(`tensor-cache:1:index:${id}`)).toBeUndefined()
    expect(await cache.putPrefix(tokens(4, 100), layersOf(100))).toBe(4)
  })
})

describe('concurrent calls', () => {
  it('store a chunk once', async () => {
    const store = memoryStore()
    const cache = tinyCache(store)
    await Promise.all([1, 2, 3].map(seed => cache.putPrefix(tokens(4), layersOf(seed))))
    expect(store.stats().writes.calls).toBe(1)
    expect((await cache.getPrefix(tokens(4)))!.layers).toEqual(layersOf(1))
    expect(cache.stats().entries).toBe(1)
  })

  it('wait for room only once or twice each, however many of them wait', async () => {
    const waits = vi.spyOn(Promise, 'race')
    try {
      const cache = tinyCache(memoryStore(), { maxBytes: 3000 })
      const names = Array.from({ length: 200 }, (_, i) => `t${i}`)
      const put = await Promise.all(names.map(name => cache.putTensor(name, { data: bits(8, 1), shape: [8] })))
      expect(put).not.toContain(false)
      expect(waits.mock.calls.length).toBeLessThan(3 * names.length)
    } finally {
      waits.mockRestore()
    }
  })

  it('evict each other where there is room for one', async () => {
    const probe = tinyCache()
    await probe.putPrefix(tokens(4), layersOf(1))
    const cache = tinyCache(memoryStore(), { maxBytes: Math.floor(1.5 * probe.stats().bytes) })
    const puts = [0, 1, 2, 3].map(n => cache.putPrefix(tokens(4, 100 * n), layersOf(n)))
    expect(await Promise.all(puts)).toEqual([4, 4, 4, 4])
    expect(cache.stats()).toMatchObject({ entries: 1, evictions: 3 })
  })

  it('find room in entries that later calls replace, which cannot be evicted meanwhile', async () => {
    const cache = tinyCache(memoryStore(), { maxBytes: 12_000 })
    const put = (name: string, length: number) => cache.putTensor(name, { data: bits(length, length), shape: [length] })
    for (const name of ['a', 'b', 'c']) await put(name, 1500)
    const puts = [put('a', 1500), put('large', 5000), put('b', 1500), put('c', 1500)]
    expect(await Promise.all(puts)).toEqual([true, true, true, true])
    expect((await cache.getTensor('large'))!.data).toEqual(bits(5000, 5000))
  })

  it('read a tensor that is being replaced as it was or as it will be, never its bytes in another shape', async () => {
    const backend = memoryBackend()
    const cache = tinyCache(memoryStore(backend))
    const versions = [1, 2, 3].map(n => ({ data: bits(6 * n, n), shape: [n, 6] }))
    await cache.putTensor('x', versions[0]!)
    for (const version of versions.slice(1)) {
      const gate = new Gate()
      // The backend has it, and the cache does not know yet.
      const release = intercept(backend, ['_batch'], async ({ proceed }) => {
        const done = await proceed()
        await gate.wait()
        return done
      })
      const writing = cache.putTensor('x', version)
      await gate.reached
      const reading = cache.getTensor('x')
      gate.open()
      expect(await reading).toEqual(version)
      await writing
      release()
    }
  })

  it('put, read, pin, delete and evict in any order give what was put, or nothing', async () => {
    for (let seed = 0; seed < 8; seed++) {
      const next = seededRandom(seed)
      const backend = memoryBackend()
      const maxBytes = 6000
      const cache = tinyCache(memoryStore(backend), { maxBytes })
      const wrong: unknown[] = []
      const check = (holds: boolean, what: unknown) => void (holds || wrong.push(what))
      await Promise.all(
        Array.from({ length: 12 }, async () => {
          for (let step = 0; step < 25; step++)
            await actions[Math.floor(next() * 6)]!(cache, Math.floor(next() * 6), check)
        })
      )
      expect(wrong).toEqual([])
      await cache.flush()
      expect(cache.stats().bytes).toBeLessThanOrEqual(maxBytes)
      expect(await storedBytes(backend)).toBeLessThanOrEqual(cache.stats().bytes)
      // The index in the backend is the one in memory: nothing is left behind.
      const { entries } = cache.stats()
      const index = await backend.keys({ gte: 'tensor-cache:1:index:', lt: 'tensor-cache:1:index;' }).all()
      expect(index).toHaveLength(entries)
    }
  })
})

type Action = (cache: TensorCache<'bf16'>, n: number, check: (holds: boolean, what: unknown) => void) => Promise<void>

const actions: Action[] = [
  async (cache, n, check) => {
    const put = await cache.putPrefix(tokens(8, 100 * n), layersOf(n, 2, 48))
    check([0, 4, 8].includes(put), { put })
  },
  async (cache, n, check) => {
    const found = await cache.getPrefix(tokens(8, 100 * n))
    const whole = layersOf(n, 2, 48)
    const expected = found?.tokens === 8 ? whole : whole.map(layer => firstChunkOf(layer))
    check(found === undefined || isDeepStrictEqual(found.layers, expected), { n, found })
  },
  async (cache, n, check) => {
    const pin = await cache.pin(tokens(8, 100 * n))
    const found = await cache.getPrefix(tokens(8, 100 * n))
    check((found?.tokens ?? 0) >= pin.tokens, { n, pin, found })
    cache.unpin(pin)
  },
  async (cache, n) => {
    await cache.putTensor(`t${n}`, { data: bits(10 + n, n), shape: [10 + n] })
  },
  async (cache, n, check) => {
    const found = await cache.getTensor(`t${n}`)
    check(found === undefined || isDeepStrictEqual(found.data, bits(10 + n, n)), { n, found })
  },
  async (cache, n) => {
    await cache.delTensor(`t${n}`)
  }
]

describe('flush()', () => {
  it('waits for what is being written already, and writes it again where that fails', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const cache = tinyCache(store)
    for (const n of [0, 1]) await cache.putPrefix(tokens(4, 100 * n), layersOf(n))
    const { bytes } = cache.stats() // Not what the index says until it is written.
    const gate = new Gate()
    const release = intercept(backend, WRITES, async () => {
      await gate.wait()
      throw new Error('disk')
    })
    const first = cache.flush().catch((error: Error) => error)
    await gate.reached
    const second = cache.flush()
    const state = track(second)
    await turns()
    expect(state.settled).toBe(false)
    release()
    gate.open()
    expect(await first).toMatchObject({ message: 'disk' })
    await second
    await store.close()
    await store.open()
    const again = tinyCache(store)
    await again.hasPrefix([])
    expect(again.stats().bytes).toBe(bytes)
  })
})

describe('a backend that fails', () => {
  it('while a chunk is written: it is no hit, and its room is free when it could be deleted', async () => {
    const backend = memoryBackend()
    const cache = tinyCache(memoryStore(backend), { maxBytes: 3000 })
    await cache.putPrefix(tokens(4), layersOf(1))
    const release = failing(backend, WRITES, new Error('disk'))
    await expect(cache.putPrefix(tokens(4, 100), layersOf(2))).rejects.toThrow('disk')
    expect(await cache.hasPrefix(tokens(4, 100))).toBe(0)
    release()
    const { bytes } = cache.stats()
    expect(await cache.putPrefix(tokens(4, 100), layersOf(3))).toBe(4)
    expect((await cache.getPrefix(tokens(4, 100)))!.layers).toEqual(layersOf(3))
    expect(cache.stats().bytes).toBeLessThanOrEqual(bytes)
    expect(await storedBytes(backend)).toBeLessThanOrEqual(cache.stats().bytes)
  })

  it('while something is evicted: what is there still counts, and goes later', async () => {
    const backend = memoryBackend()
    const probe = tinyCache()
    await probe.putPrefix(tokens(4), layersOf(1))
    const cache = tinyCache(memoryStore(backend), { maxBytes: Math.floor(probe.stats().bytes * 1.9) })
    await cache.putPrefix(tokens(4), layersOf(1))
    const release = failing(backend, WRITES, new Error('disk'))
    await expect(cache.putPrefix(tokens(4, 100), layersOf(2))).rejects.toThrow('disk')
    expect(await cache.hasPrefix(tokens(4))).toBe(0)
    expect(cache.stats().bytes).toBeGreaterThan(0)
    expect(cache.stats().evictions).toBe(0)
    release()
    expect(await cache.putPrefix(tokens(4, 100), layersOf(2))).toBe(4)
    expect(cache.stats().entries).toBe(1)
    expect(await storedBytes(backend)).toBeLessThanOrEqual(cache.stats().bytes)
  })

  it('while something is evicted that is put again meanwhile: what is put stays', async () => {
    const backend = memoryBackend()
    const probe = tinyCache()
    await probe.putPrefix(tokens(4), layersOf(1))
    const chunkBytes = probe.stats().bytes
    const cache = tinyCache(memoryStore(backend), { maxBytes: 4 * chunkBytes })
    await cache.putPrefix(tokens(4), layersOf(1))
    await cache.putPrefix(tokens(4, 100), layersOf(2))
    const [evicting, putting] = [new Gate(), new Gate()]
    let writes = 0
    intercept(backend, WRITES, async ({ proceed }) => {
      const write = ++writes
      if (write === 1) await evicting.wait()
      if (write === 1) throw new Error('disk')
      if (write === 2) await putting.wait()
      return proceed()
    })
    const first = cache.putTensor('first', tensorOf(1.7 * chunkBytes)).catch((error: Error) => error)
    await evicting.reached
    const put = cache.putPrefix(tokens(4), layersOf(9))
    evicting.open()
    expect(await first).toMatchObject({ message: 'disk' })
    await putting.reached
    // This one needs room while the chunk is being written, and what failed to go is the first to go.
    const second = cache.putTensor('second', tensorOf(0.7 * chunkBytes))
    await turns()
    putting.open()
    expect(await put).toBe(4)
    expect(await second).toBe(true)
    expect(await cache.hasPrefix(tokens(4))).toBe(4)
    expect((await cache.getPrefix(tokens(4)))?.layers).toEqual(layersOf(9))
    expect(cache.stats().bytes).toBeLessThanOrEqual(4 * chunkBytes)
    expect(await storedBytes(backend)).toBeLessThanOrEqual(cache.stats().bytes)
  })

  it.each(['clear', 'delTensor'] as const)('while something is evicted that %s() deletes: it is gone', async call => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const probe = tinyCache()
    await probe.putTensor('x', tensorOf(1000))
    const cache = tinyCache(store, { maxBytes: Math.floor(1.5 * probe.stats().bytes) })
    await cache.putTensor('x', tensorOf(1000))
    const refused = Object.assign(new Error('no room'), { code: 'CKV_BUSY' })
    const gate = firstWriteFails(backend, refused)
    const evicting = cache.putTensor('y', tensorOf(1000)).catch((error: Error) => error)
    await gate.reached
    const deleted = call === 'clear' ? cache.clear() : cache.delTensor('x')
    await turns()
    gate.open()
    expect(await evicting).toBe(refused)
    await deleted
    expect(await cache.getTensor('x')).toBeUndefined()
    expect(await store.keys().all()).toEqual([])
  })

  it.each(['clear', 'delTensor', 'putTensor'] as const)(
    'while something is evicted by a call made just before %s(): that does what it says',
    async call => {
      const backend = memoryBackend()
      const probe = tinyCache()
      await probe.putTensor('x', tensorOf(1000))
      const cache = tinyCache(memoryStore(backend), { maxBytes: Math.floor(1.5 * probe.stats().bytes) })
      await cache.putTensor('x', tensorOf(1000))
      const refused = Object.assign(new Error('no room'), { code: 'CKV_BUSY' })
      let writes = 0
      intercept(backend, WRITES, async ({ proceed }) => {
        if (++writes === 1) throw refused
        return proceed()
      })
      const evicting = cache.putTensor('y', tensorOf(1000)).catch((error: Error) => error)
      const version = tensorOf(900)
      const called = { clear: () => cache.clear(), delTensor: () => cache.delTensor('x') }
      const done = call === 'putTensor' ? cache.putTensor('x', version) : called[call]()
      expect(await evicting).toBe(refused)
      expect(await done).toBe(call === 'clear' ? undefined : true)
      expect(await cache.getTensor('x')).toEqual(call === 'putTensor' ? version : undefined)
      expect(await storedBytes(backend)).toBeLessThanOrEqual(cache.stats().bytes)
    }
  )

  it('while the only chunk is evicted that is put again meanwhile: it is put, where nothing else could make room', async () => {
    const backend = memoryBackend()
    const probe = tinyCache()
    await probe.putPrefix(tokens(4), layersOf(1))
    const cache = tinyCache(memoryStore(backend), { maxBytes: Math.floor(1.5 * probe.stats().bytes) })
    await cache.putPrefix(tokens(4), layersOf(1))
    const evicting = firstWriteFails(backend, new Error('disk'))
    const other = cache.putPrefix(tokens(4, 100), layersOf(2)).catch((error: Error) => error)
    await evicting.reached
    const put = cache.putPrefix(tokens(4), layersOf(9))
    await turns()
    evicting.open()
    expect(await other).toMatchObject({ message: 'disk' })
    expect(await put).toBe(4)
    expect(await cache.hasPrefix(tokens(4))).toBe(4)
    expect((await cache.getPrefix(tokens(4)))?.layers).toEqual(layersOf(9))
    expect(await storedBytes(backend)).toBeLessThanOrEqual(cache.stats().bytes)
  })

  it('after it has evicted something: the index does not say that it is still there', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const cache = tinyCache(store)
    await cache.putPrefix(tokens(4), layersOf(1))
    const release = intercept(backend, WRITES, async ({ proceed }) => {
      await proceed()
      throw new Error('disk')
    })
    await expect(cache.clear()).rejects.toThrow('disk')
    release()
    await cache.flush()
    await store.close()
    await store.open()
    expect(await tinyCache(store).hasPrefix(tokens(4))).toBe(0)
  })

  it('while a smaller maxBytes is made to hold: everything is counted once, and goes with the next write', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const before = tinyCache(store)
    for (const n of [0, 1, 2]) await before.putPrefix(tokens(4, 100 * n), layersOf(n))
    await before.flush()
    const { bytes } = before.stats()
    await store.close()
    await store.open()
    const cache = tinyCache(store, { maxBytes: Math.floor(bytes / 2) })
    const release = failing(backend, WRITES, new Error('disk'))
    await cache.hasPrefix([]).catch(() => {})
    await cache.hasPrefix([]).catch(() => {})
    expect(cache.stats()).toMatchObject({ bytes, entries: 3 })
    release()
    expect(await cache.putPrefix(tokens(4, 300), layersOf(3))).toBe(4)
    expect(cache.stats().bytes).toBeLessThanOrEqual(bytes / 2)
    expect(await storedBytes(backend)).toBeLessThanOrEqual(cache.stats().bytes)
  })

  it('with a refusal: the tensor that was to be replaced stays', async () => {
    const backend = memoryBackend()
    const cache = tinyCache(memoryStore(backend))
    await cache.putTensor('x', tensorOf(1000))
    const { bytes } = cache.stats()
    const refused = Object.assign(new Error('no room'), { code: 'CKV_BUSY' })
    const release = failing(backend, WRITES, refused)
    await expect(cache.putTensor('x', tensorOf(900))).rejects.toBe(refused)
    release()
    expect(await cache.getTensor('x')).toEqual(tensorOf(1000))
    expect(cache.stats().bytes).toBe(bytes)
  })

  it('to write what another call waits for, which takes the room then', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const cache = tinyCache(store, { maxBytes: 2000 })
    const gate = firstWriteFails(backend, new Error('disk'))
    const first = cache.putTensor('x', tensorOf(1200)).catch((error: Error) => error)
    await gate.reached
    const second = cache.putTensor('y', tensorOf(1200))
    await turns()
    gate.open()
    expect(await first).toMatchObject({ message: 'disk' })
    expect(await second).toBe(true)
    expect(await cache.getTensor('y')).toEqual(tensorOf(1200))
  })

  it('in the middle of the index: it is asked once, and the next call reads it', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    await tinyCache(store).putPrefix(tokens(4), layersOf(1))
    await store.close()
    await store.open()
    const [next, close] = [vi.fn<() => Promise<[]>>(), vi.fn<() => Promise<void>>()]
    next.mockRejectedValueOnce(new Error('disk')).mockResolvedValue([])
    const methods = { _nextv: next, _close: close.mockResolvedValue() }
    const release = intercept(backend, ['_iterator'], ({ proceed }) => Object.assign(proceed(), methods))
    const cache = tinyCache(store)
    await expect(cache.hasPrefix(tokens(4))).rejects.toThrow('disk')
    expect([next.mock.calls.length, close.mock.calls.length]).toEqual([1, 1])
    release()
    expect(await cache.hasPrefix(tokens(4))).toBe(4)
  })

  it('while the index is read: the next call reads it', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    await tinyCache(store).putPrefix(tokens(4), layersOf(1))
    await store.close()
    await store.open()
    let fails = true
    intercept(backend, ['_iterator'], call => {
      if (fails) throw new Error('disk')
      return call.proceed()
    })
    const cache = tinyCache(store)
    await expect(cache.hasPrefix(tokens(4))).rejects.toThrow('disk')
    fails = false
    expect(await cache.hasPrefix(tokens(4))).toBe(4)
  })
})

describe('an index entry', () => {
  it.each([
    '',
    'null',
    '{',
    '[]',
    '{"bytes":1}',
    '{"bytes":-1,"used":1,"values":1}',
    '{"bytes":1,"used":1,"values":0}',
    '{"bytes":1,"used":1,"values":1e9}'
  ])('that is %j costs its chunk, and nothing else', async text => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const before = tinyCache(store)
    await before.putPrefix(tokens(4), layersOf(1))
    await before.putPrefix(tokens(4, 100), layersOf(2))
    const id = `${before.namespace}:c${before.chunksOf(tokens(4))[0]!.hash}`
    await store.put(`tensor-cache:1:index:${id}`, Buffer.from(text))
    await store.close()
    await store.open()
    const cache = tinyCache(store)
    expect(await cache.hasPrefix(tokens(4))).toBe(0)
    expect((await cache.getPrefix(tokens(4, 100)))!.layers).toEqual(layersOf(2))
    expect(await store.keys().all()).toHaveLength(3)
  })
})

describe('a closed store', () => {
  it('is told as such, and the cache goes on when it is open again', async () => {
    const store = memoryStore()
    const cache = tinyCache(store)
    await cache.putPrefix(tokens(4), layersOf(1))
    await store.close()
    const closed = { code: expect.stringMatching(/^LEVEL_(DATABASE|ITERATOR)_NOT_OPEN$/) as string }
    await expect(cache.putPrefix(tokens(4, 100), layersOf(2))).rejects.toMatchObject(closed)
    await expect(cache.getPrefix(tokens(4))).rejects.toMatchObject(closed)
    await store.open()
    expect((await cache.getPrefix(tokens(4)))!.layers).toEqual(layersOf(1))
  })
})

function tensorOf(bytes: number): { data: Uint16Array; shape: number[] } {
  const length = Math.floor(bytes / 2)
  return { data: bits(length, 1), shape: [length] }
}

/** The first 4 of 8 tokens in [2, 8, 3]. */
function firstChunkOf(layer: Uint16Array): Uint16Array {
  return Uint16Array.from([...layer.subarray(0, 12), ...layer.subarray(24, 36)])
}

import { createHook } from 'node:async_hooks'
import { describe, expect, it, test, vi } from 'vitest'
import { type Backend, memory, openStore } from '../support/memory-store.js'

const KIB = 1024

/** A store over entries of one size, how many the backend is asked for at a time, and where its iterators are sought. */
async function filled(count: number, valueBytes: number, backend: Backend = memory()) {
  const { store } = await openStore({ codec: 'none' }, backend)
  await store.batch(
    Array.from({ length: count }, (_, i) => ({ type: 'put', key: keyOf(i), value: Buffer.alloc(valueBytes, i) }))
  )
  const asked: number[] = []
  const sought: string[] = []
  type Method = (...args: unknown[]) => unknown
  const target = backend as unknown as { _iterator(options: object): { _nextv: Method; _seek: Method } }
  const original = target._iterator.bind(backend)
  target._iterator = options => {
    const iterator = original(options)
    const nextv = iterator._nextv.bind(iterator)
    iterator._nextv = (...args) => {
      asked.push(args[0] as number)
      return nextv(...args)
    }
    const seek = iterator._seek.bind(iterator)
    iterator._seek = (...args) => {
      sought.push(String(args[0]))
      return seek(...args)
    }
    return iterator
  }
  return { store, asked, sought }
}

const keyOf = (index: number) => String(index).padStart(4, '0')

test('nextv() asks the backend for no more than 65536 entries, since classic-level takes memory for as many as it is asked for', async () => {
  const { store, asked } = await filled(3, 10)
  const iterator = store.iterator()
  expect((await iterator.nextv(1e9)).map(([key]) => key)).toEqual([keyOf(0), keyOf(1), keyOf(2)])
  expect(await iterator.nextv(1e9)).toEqual([])
  await iterator.close()
  expect(Math.max(...asked)).toBe(65_536)
})

describe('next() of an iterator', () => {
  it('fetches one entry, then more and more of small ones, up to 1000', async () => {
    const { store, asked } = await filled(3000, 10)
    const keys: string[] = []
    for await (const [key, value] of store.iterator()) {
      expect(value).toEqual(Buffer.alloc(10, keys.length))
      keys.push(key)
    }
    expect(keys).toEqual(Array.from({ length: 3000 }, (_, i) => keyOf(i)))
    expect(asked.slice(0, 5)).toEqual([1, 16, 256, 1000, 1000])
    expect(Math.max(...asked)).toBe(1000)
  })

  it('with a limit fetches up to 16 entries at first, and in the end no more than may still be taken', async () => {
    const { store, asked } = await filled(100, 10)
    const taken = async (limit: number) => {
      asked.length = 0
      const keys: string[] = []
      for await (const [key] of store.iterator({ limit })) keys.push(key)
      expect(keys).toEqual(Array.from({ length: limit }, (_, i) => keyOf(i)))
      return [...asked]
    }
    expect(await taken(10)).toEqual([10])
    expect(await taken(20)).toEqual([16, 4])
  })

  it('with a limit, and nextv() as well, fetch many at once where all have expired', async () => {
    const { store, asked } = await filled(0, 0)
    const keys = Array.from({ length: 300 }, (_, i) => keyOf(i))
    await store.batch(
      keys.map(key => ({ type: 'put', key, value: Buffer.alloc(10) })),
      { ttl: 1 }
    )
    await store.put('seen', Buffer.alloc(10))
    const end = Date.now() + 2
    while (Date.now() < end) await new Promise(resolve => setTimeout(resolve, 1))
    for await (const key of store.keys({ limit: 1 })) expect(key).toBe('seen')
    expect(asked.length).toBeLessThan(10)
    expect(await store.keys({ limit: 1 }).all()).toEqual(['seen'])
    expect(asked.length).toBeLessThan(20)
  })

  it.each([
    [4 * KIB, 15],
    [20 * KIB, 3],
    [100 * KIB, 1]
  ])('fetches about 64 KiB of entries with %i bytes', async (valueBytes, most) => {
    const { store, asked } = await filled(40, valueBytes)
    let seen = 0
    for await (const [, value] of store.iterator()) expect(value.length, `entry ${seen++}`).toBe(valueBytes)
    expect(seen).toBe(40)
    expect(Math.max(...asked.slice(0, -1))).toBe(most) // The last comes after the store's own small entry, and finds nothing.
  })

  it('fetches one entry for a caller who wants no more', async () => {
    const { store, asked } = await filled(100, 10)
    const iterator = store.iterator({ gte: keyOf(5) })
    expect((await iterator.next())![0]).toBe(keyOf(5))
    await iterator.close()
    expect(asked).toEqual([1])
  })

  it('forgets what was fetched when it seeks, and begins with one again', async () => {
    const { store, asked } = await filled(100, 10)
    const iterator = store.iterator()
    for (let i = 0; i < 3; i++) await iterator.next()
    asked.length = 0
    iterator.seek(keyOf(50))
    expect((await iterator.next())![0]).toBe(keyOf(50))
    iterator.seek(keyOf(20))
    expect((await iterator.nextv(2)).map(([key]) => key)).toEqual([keyOf(20), keyOf(21)])
    expect((await iterator.next())![0]).toBe(keyOf(22))
    expect(asked[0]).toBe(1)
    await iterator.close()
  })

  it('finds nothing where it is sought outside its range, as nextv(), and goes on where it is sought then', async () => {
    const { store, sought } = await filled(20, 10)
    const iterator = store.iterator({ gte: keyOf(5), lt: keyOf(15) })
    const first = async () => [(await iterator.next())?.[0], (await iterator.nextv(1))[0]?.[0]]
    for (const outside of [2, 17]) {
      iterator.seek(keyOf(outside))
      expect(await iterator.nextv(1)).toEqual([])
      iterator.seek(keyOf(outside))
      expect(await first()).toEqual([undefined, undefined])
      iterator.seek(keyOf(7))
      expect(await first()).toEqual([keyOf(7), keyOf(8)])
    }
    // The backend's iterator never leaves its range: classic-level, while it is empty, would abort the process.
    expect(sought).toEqual([keyOf(7), keyOf(7)])
    await iterator.close()
  })

  it('hands out as many as its limit says, though a seek has left what was fetched', async () => {
    const { store, asked } = await filled(100, 10)
    const iterator = store.iterator({ gte: keyOf(0), lt: keyOf(90), limit: 12 })
    const keys: string[] = []
    for (let i = 0; i < 3; i++) keys.push((await iterator.next())![0])
    iterator.seek(keyOf(50))
    for await (const [key] of iterator) keys.push(key)
    expect(keys).toEqual([...[0, 1, 2].map(keyOf), ...Array.from({ length: 9 }, (_, i) => keyOf(50 + i))])
    expect(asked).toEqual([12, 1, 8]) // No more than may still be taken.
    await iterator.close()
  })

  it('and nextv() hand out every entry once between them', async () => {
    const { store } = await filled(100, 10)
    const iterator = store.iterator()
    const keys: string[] = []
    for (let turn = 0; keys.length < 100; turn++) {
      const entries = turn % 2 === 0 ? [await iterator.next()] : await iterator.nextv(7)
      for (const entry of entries) keys.push(entry![0])
      expect(entries.length).toBeLessThanOrEqual(7)
    }
    expect(await iterator.next()).toBeUndefined()
    expect(keys).toEqual(Array.from({ length: 100 }, (_, i) => keyOf(i)))
    await iterator.close()
  })

  it('throws for a damaged entry when its turn comes, and goes on behind it', async () => {
    const backend = memory()
    const { store } = await filled(30, 600, backend)
    await store.put(keyOf(7), Buffer.alloc(600, 7), { codec: 'none' })
    const stored = (await backend.get(keyOf(7)))!
    stored[100]! ^= 1
    await backend.put(keyOf(7), stored)
    const iterator = store.iterator()
    const outcomes: string[] = []
    for (let i = 0; i < 30; i++) {
      const key = await iterator.next().then(
        entry => entry![0],
        (error: { code: string }) => error.code
      )
      outcomes.push(key)
    }
    expect(outcomes).toEqual(Array.from({ length: 30 }, (_, i) => (i === 7 ? 'LEVEL_CORRUPTION' : keyOf(i))))
    await iterator.close()
  })

  it('fetches one at a time from a backend without snapshots: what is ahead may be overwritten meanwhile', async () => {
    const backend = memory()
    Object.defineProperty(backend.supports, 'implicitSnapshots', { value: false })
    const { store, asked } = await filled(20, 10, backend)
    for await (const [key] of store.iterator()) expect(key.length).toBe(4)
    expect(new Set(asked)).toEqual(new Set([1]))
  })

  it('goes past what has expired without keeping a promise for each entry', async () => {
    const backend = memory()
    Object.defineProperty(backend.supports, 'implicitSnapshots', { value: false })
    const { store, asked } = await filled(400, 10, backend)
    const keys = Array.from({ length: 400 }, (_, i) => keyOf(i))
    await store.batch(keys.map(key => ({ type: 'put', key, value: Buffer.alloc(10), ttl: 1000 })))
    vi.useFakeTimers({ now: Date.now() + 2000, toFake: ['Date'] })
    const pending = new Set<number>()
    const hook = createHook({
      init: (id, type) => void (type === 'PROMISE' && pending.add(id)),
      promiseResolve: id => void pending.delete(id)
    }).enable()
    let most = 0
    const iterator = store.iterator()
    asked.push = (...sizes) => {
      most = Math.max(most, pending.size)
      return Array.prototype.push.apply(asked, sizes)
    }
    try {
      expect(await iterator.next()).toBeUndefined()
    } finally {
      hook.disable()
      vi.useRealTimers()
    }
    expect(asked.length).toBeGreaterThan(400)
    expect(most).toBeLessThan(100)
    await iterator.close()
  })
})

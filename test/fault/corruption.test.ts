import { describe, expect, it } from 'vitest'
import { type Backend, openStore, type Store, storedValue } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'

const CORRUPT = { code: 'LEVEL_CORRUPTION' }
const values: Record<string, Buffer> = {
  raw: Buffer.from('a small value'),
  compressed: text(5000),
  'compressed, large': text(200_000),
  incompressible: noise(5000)
}

async function damage(backend: Backend, key: string, at: (length: number) => number): Promise<void> {
  const stored = Buffer.from(await storedValue(backend, key))
  stored[at(stored.length)]! ^= 0x10
  await backend.put(key, stored)
}

const places: Record<string, (length: number) => number> = {
  first: () => 0,
  middle: length => length >>> 1,
  last: length => length - 1
}

async function threeEntries(value: Buffer): Promise<{ store: Store; backend: Backend }> {
  const opened = await openStore()
  await opened.store.batch(['a', 'b', 'c'].map(key => ({ type: 'put', key, value })))
  return opened
}

/** All that an iterator gives to a caller who goes on after every error. */
async function drained(store: Store, size: number): Promise<{ entries: [string, Buffer][]; errors: unknown[] }> {
  const iterator = store.iterator()
  const entries: [string, Buffer][] = []
  const errors: unknown[] = []
  for (;;) {
    try {
      const some = await iterator.nextv(size)
      if (some.length === 0) return { entries, errors }
      entries.push(...some)
    } catch (error) {
      errors.push(error)
    }
  }
}

describe.each(Object.entries(values))('a stored value that was changed (%s)', (_, value) => {
  it.each(Object.entries(places))('in its %s byte gives LEVEL_CORRUPTION on every read', async (_place, at) => {
    const { store, backend } = await threeEntries(value)
    await damage(backend, 'b', at)
    await expect(store.get('b')).rejects.toMatchObject(CORRUPT)
    await expect(store.getMany(['a', 'b', 'c'])).rejects.toMatchObject(CORRUPT)
    await expect(store.iterator().all()).rejects.toMatchObject(CORRUPT)
    await expect(store.values().all()).rejects.toMatchObject(CORRUPT)
    expect(() => store.getSync('b')).toThrow(expect.objectContaining(CORRUPT))
    await using snapshot = store.snapshot()
    await expect(store.get('b', { snapshot })).rejects.toMatchObject(CORRUPT)
  })

  it('is missed alone by an iterator that goes on', async () => {
    const { store, backend } = await threeEntries(value)
    await damage(backend, 'b', places['middle']!)
    const one = store.iterator()
    expect((await one.next())?.[0]).toBe('a')
    await expect(one.next()).rejects.toMatchObject(CORRUPT)
    expect((await one.next())?.[0]).toBe('c')
    expect(await one.next()).toBeUndefined()

    const { entries, errors } = await drained(store, 10)
    expect(entries.map(([key]) => key)).toEqual(['a', 'c'])
    expect(entries.every(([, found]) => found.equals(value))).toBe(true)
    expect(errors).toEqual([expect.objectContaining(CORRUPT)])
  })

  it('leaves keys, other values and has alone, and can be overwritten or deleted', async () => {
    const { store, backend } = await threeEntries(value)
    await damage(backend, 'b', places['first']!)
    expect(await store.keys().all()).toEqual(['a', 'b', 'c'])
    expect(await store.has('b')).toBe(true)
    expect((await store.get('c'))?.equals(value)).toBe(true)
    await store.put('b', value)
    expect((await store.get('b'))?.equals(value)).toBe(true)
    await damage(backend, 'b', places['last']!)
    await store.del('b')
    expect(await store.keys().all()).toEqual(['a', 'c'])
  })
})

describe('several damaged values in a row', () => {
  it('are reported one by one, in both ways to iterate, and nothing else is lost', async () => {
    const { store, backend } = await openStore()
    const keys = Array.from({ length: 20 }, (_, i) => `k${String(i).padStart(2, '0')}`)
    const damaged = new Set(['k00', 'k01', 'k07', 'k08', 'k19'])
    for (const [i, key] of keys.entries()) await store.put(key, i % 2 ? text(100_000) : text(3000))
    for (const key of damaged) await damage(backend, key, places['middle']!)
    for (const size of [1, 3, 100]) {
      const { entries, errors } = await drained(store, size)
      expect(entries.map(([key]) => key)).toEqual(keys.filter(key => !damaged.has(key)))
      expect(errors.length).toBe(damaged.size)
    }
  })
})

describe('stored bytes that never were an envelope', () => {
  it.each([
    ['no bytes', Buffer.alloc(0)],
    ['a text', Buffer.from('written past the store')],
    ['zeros', Buffer.alloc(600)],
    ['the end of a guarded value', Buffer.alloc(20, 0xff)]
  ])('%s: LEVEL_CORRUPTION', async (_, bytes) => {
    const { store, backend } = await openStore()
    await store.put('good', text(10))
    await backend.put('bad', bytes)
    await expect(store.get('bad')).rejects.toMatchObject(CORRUPT)
    expect(() => store.getSync('bad')).toThrow(expect.objectContaining(CORRUPT))
    expect((await store.get('good'))?.length).toBe(10)
  })
})

describe('a cleared range', () => {
  it('may hold damaged values, also with a limit and after a time to live was used', async () => {
    const { store, backend } = await threeEntries(text(5000))
    await store.put('d', text(10), { ttl: 1000 })
    await damage(backend, 'a', places['middle']!)
    await store.clear({ limit: 2 })
    expect(await store.keys().all()).toEqual(['c', 'd'])
    await damage(backend, 'c', places['middle']!)
    await store.clear()
    expect(await store.keys().all()).toEqual([])
  })
})

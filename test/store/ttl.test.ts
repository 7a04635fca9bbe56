import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openStore, storedEntries } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const VALUE = Buffer.from('value')
const START = 1_700_000_000_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: START }))
afterEach(() => void vi.useRealTimers())

const after = (ms: number) => vi.setSystemTime(START + ms)

/** 'a' to 'f', of which 'b', 'c' and 'f' live for a second. */
async function mixedStore() {
  const opened = await openStore()
  for (const key of 'abcdef') {
    await opened.store.put(key, text(2000), 'bcf'.includes(key) ? { ttl: 1000 } : {})
  }
  return opened
}

describe('an expired entry', () => {
  it('is gone from its last millisecond on', async () => {
    const { store } = await openStore()
    await store.put('k', VALUE, { ttl: 1000 })
    after(999)
    expect(await store.get('k')).toEqual(VALUE)
    after(1000)
    expect(await store.get('k')).toBeUndefined()
  })

  it('is gone for every read', async () => {
    const { store } = await mixedStore()
    after(1000)
    expect(await store.get('b')).toBeUndefined()
    expect(store.getSync('b')).toBeUndefined()
    expect((await store.getMany(['a', 'b', 'c'])).map(value => value?.length)).toEqual([2000, undefined, undefined])
    expect(await store.has('b')).toBe(false)
    expect(await store.has('a')).toBe(true)
    expect(await store.hasMany(['a', 'b', 'missing', 'd'])).toEqual([true, false, false, true])
    expect(await store.keys().all()).toEqual(['a', 'd', 'e'])
    expect(await store.keys({ reverse: true }).all()).toEqual(['e', 'd', 'a'])
    expect((await store.values().all()).length).toBe(3)
    expect((await store.iterator().all()).map(([key]) => key)).toEqual(['a', 'd', 'e'])
    const one: string[] = []
    for await (const key of store.keys()) one.push(key)
    expect(one).toEqual(['a', 'd', 'e'])
  })

  it('takes no place under a limit', async () => {
    const { store } = await mixedStore()
    after(1000)
    for (let limit = 0; limit < 5; limit++) {
      const expected = ['a', 'd', 'e'].slice(0, limit)
      expect(await store.keys({ limit }).all()).toEqual(expected)
      expect((await store.iterator({ limit, lt: 'z' }).all()).map(([key]) => key)).toEqual(expected)
      expect((await store.values({ limit }).all()).length).toBe(expected.length)
      const iterator = store.keys({ limit })
      const found: string[] = []
      for (let keys = await iterator.nextv(2); keys.length > 0; keys = await iterator.nextv(2)) found.push(...keys)
      expect(found).toEqual(expected)
    }
  })

  it('does not count for clear with a limit', async () => {
    const { store, backend } = await mixedStore()
    after(1000)
    await store.clear({ limit: 2 })
    expect(await store.keys().all()).toEqual(['e'])
    expect(await backend.keys({ lt: 'd' }).all()).toEqual([])
  })

  it('is not what a clear with a snapshot deletes, if its key was written again', async () => {
    for (const options of [{}, { wal: temporaryDirectory(), memtable: false }, { wal: temporaryDirectory() }]) {
      for (const clear of [{}, { limit: 3 }, { sync: true }]) {
        const { store } = await openStore(options)
        await store.put('a', VALUE)
        await store.put('b', VALUE, { ttl: 1000 })
        const snapshot = store.snapshot()
        after(1000)
        await store.put('b', VALUE)
        await store.clear({ snapshot, ...clear })
        expect(await store.keys().all()).toEqual(['b'])
        await snapshot.close()
        await store.clear()
        await store.close()
        after(0)
      }
    }
  })

  it('is gone for snapshots and iterators from before', async () => {
    const { store } = await mixedStore()
    await using snapshot = store.snapshot()
    const iterator = store.keys()
    after(1000)
    expect(await store.get('b', { snapshot })).toBeUndefined()
    expect(await store.has('b', { snapshot })).toBe(false)
    expect(await store.keys({ snapshot }).all()).toEqual(['a', 'd', 'e'])
    expect(await iterator.all()).toEqual(['a', 'd', 'e'])
  })

  it('is gone after reopening, and while it lives it is there', async () => {
    const { store } = await mixedStore()
    await store.close()
    await store.open()
    expect((await store.keys().all()).length).toBe(6)
    after(1000)
    expect(await store.keys().all()).toEqual(['a', 'd', 'e'])
    expect(await store.has('b')).toBe(false)
  })

  it('is back if the clock steps back: expiry is a point in time', async () => {
    const { store } = await mixedStore()
    after(5000)
    expect(await store.has('b')).toBe(false)
    after(500)
    expect(await store.has('b')).toBe(true)
    expect((await store.keys().all()).length).toBe(6)
  })

  it('may be written again', async () => {
    const { store } = await mixedStore()
    after(2000)
    await store.put('b', VALUE, { ttl: 1000 })
    expect(await store.get('b')).toEqual(VALUE)
    after(2999)
    expect(await store.has('b')).toBe(true)
    after(3000)
    expect(await store.has('b')).toBe(false)
  })
})

describe('a time to live', () => {
  it('is removed by a later put without one', async () => {
    const { store } = await mixedStore()
    await store.put('b', VALUE)
    await store.batch([{ type: 'put', key: 'c', value: VALUE }])
    after(1000)
    expect(await store.keys().all()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('is taken by batches, as a default and per operation, and by sublevels', async () => {
    const { store } = await openStore()
    const sub = store.sublevel<string, Buffer>('s', { valueEncoding: 'buffer' })
    await store.batch(
      [
        { type: 'put', key: 'a', value: VALUE },
        { type: 'put', key: 'b', value: VALUE, ttl: 2000 },
        { type: 'del', key: 'c' }
      ],
      { ttl: 1000 }
    )
    await store.batch().put('c', VALUE, { ttl: 1000 }).put('d', VALUE).write({ ttl: 2000 })
    await sub.put('e', VALUE, { ttl: 1000 })
    await sub.batch([{ type: 'put', key: 'f', value: VALUE, ttl: 1000 }])
    expect((await store.keys().all()).length).toBe(6)
    after(1000)
    expect(await store.keys().all()).toEqual(['b', 'd'])
    expect(await sub.keys().all()).toEqual([])
    after(2000)
    expect(await store.keys().all()).toEqual([])
  })

  it('of every kind of value is kept', async () => {
    const { store } = await openStore()
    const values = [Buffer.alloc(0), VALUE, text(600), text(5000), text(200_000)]
    for (const [i, value] of values.entries()) await store.put(`k${i}`, value, { ttl: 1000 })
    for (const [i, value] of values.entries()) expect((await store.get(`k${i}`))?.equals(value)).toBe(true)
    after(1000)
    expect(await store.values().all()).toEqual([])
  })

  it('may be a fraction: it is rounded up', async () => {
    const { store } = await openStore()
    await store.put('k', VALUE, { ttl: 0.001 })
    expect(await store.has('k')).toBe(true)
    after(1)
    expect(await store.has('k')).toBe(false)
  })

  it('counts from the call, not from when the value was compressed or written', async () => {
    const { store } = await openStore()
    const put = store.put('k', text(200_000), { ttl: 1000 })
    after(1000)
    await put
    expect(await store.get('k')).toBeUndefined()
  })

  it.each([0, -1, NaN, Infinity, -Infinity, 2 ** 48, '1000', null, true, {}, 5n, Symbol('ttl')])(
    'of %s is refused',
    async ttl => {
      const { store, backend } = await openStore()
      const bad = { ttl: ttl as number }
      const refused = { code: 'CKV_INVALID_OPTION' }
      await expect(store.put('k', VALUE, bad)).rejects.toMatchObject(refused)
      await expect(store.batch([{ type: 'put', key: 'k', value: VALUE, ...bad }])).rejects.toMatchObject(refused)
      await expect(store.batch().put('k', VALUE, bad).write()).rejects.toMatchObject(refused)
      expect(await storedEntries(backend)).toEqual([])
    }
  )
})

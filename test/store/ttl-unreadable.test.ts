import { afterEach, describe, expect, it, vi } from 'vitest'
import { inspect } from '../../src/index.js'
import { memory, openStore, type StoreOptions, storedValue } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'

const SMALL = Buffer.from('small')

const unreadable = {
  'too large, compressed': 'CKV_VALUE_TOO_LARGE',
  'too large, raw': 'CKV_VALUE_TOO_LARGE',
  'too large, with a time to live': 'CKV_VALUE_TOO_LARGE',
  'damaged payload': 'LEVEL_CORRUPTION',
  'damaged trailer': 'LEVEL_CORRUPTION',
  empty: 'LEVEL_CORRUPTION'
}
const names = Object.keys(unreadable).sort()

/** A store in which a time to live was used, and in which every entry but 'intact' cannot be read. */
async function unreadableStore(options: StoreOptions = {}) {
  const backend = memory()
  const { store } = await openStore({}, backend)
  await store.put('too large, compressed', text(5000))
  await store.put('too large, raw', noise(5000))
  await store.put('too large, with a time to live', noise(5000), { ttl: 3_600_000 })
  await store.put('damaged payload', noise(900))
  await store.put('damaged trailer', noise(900))
  await store.put('intact', SMALL, { ttl: 3_600_000 })
  await store.close()
  await backend.open()
  for (const [key, at] of [
    ['damaged payload', 0],
    ['damaged trailer', -1]
  ] as const) {
    const stored = Buffer.from(await storedValue(backend, key))
    stored[at < 0 ? stored.length + at : at]! ^= 0x01
    await backend.put(key, stored)
  }
  await backend.put('empty', Buffer.alloc(0))
  return (await openStore({ maxValueSize: 1000, ...options }, backend)).store
}

afterEach(() => void vi.useRealTimers())

it('a value too large to be read is gone when its time to live is over, and a sweep removes it', async () => {
  const name = 'too large, with a time to live'
  vi.useFakeTimers({ toFake: ['Date'] })
  const store = await unreadableStore()
  vi.setSystemTime(Date.now() + 3_600_000)
  expect(await store.get(name)).toBeUndefined()
  expect(store.getSync(name)).toBeUndefined()
  expect(await store.has(name)).toBe(false)
  expect(await store.keys({ gte: name }).all()).toEqual([])
  expect(await store.iterator({ gte: name }).all()).toEqual([])
  const stored = await inspect(store.backend, { maxValueSize: 1000 })
  for await (const entry of stored.entries({ gte: Buffer.from(name) })) {
    expect(() => entry.value()).toThrow(expect.objectContaining({ code: 'CKV_VALUE_TOO_LARGE' }))
  }
  expect(await store.gc.run()).toMatchObject({ expired: 2, failed: 5 })
  expect(await store.backend.has(name)).toBe(false)
})

describe.each([0, 1 << 20])(
  'where a time to live was used, with cacheBytes %i, a value that cannot be read',
  cacheBytes => {
    it.each(Object.entries(unreadable))('(%s) is there, and reading it throws', async (name, code) => {
      const store = await unreadableStore({ cacheBytes })
      expect(await store.has(name)).toBe(true)
      expect(await store.hasMany(['missing', name, 'intact'])).toEqual([false, true, true])
      await expect(store.get(name)).rejects.toMatchObject({ code })
      expect(() => store.getSync(name)).toThrow(expect.objectContaining({ code }))
      await expect(store.getMany(['intact', name])).rejects.toMatchObject({ code })
      expect(await store.get('intact')).toEqual(SMALL)
    })

    it('is among the keys', async () => {
      const store = await unreadableStore({ cacheBytes })
      const all = [...names, 'intact'].sort()
      expect(await store.keys().all()).toEqual(all)
      expect(await store.keys({ reverse: true }).all()).toEqual(all.toReversed())
      expect(await store.keys({ limit: 2 }).all()).toEqual(all.slice(0, 2))
      const one: string[] = []
      for await (const key of store.keys()) one.push(key)
      expect(one).toEqual(all)
      expect((await store.iterator({ values: false }).all()).map(([key]) => key)).toEqual(all)
    })

    it('can be deleted, and is cleared', async () => {
      const store = await unreadableStore({ cacheBytes })
      await store.del(names[0]!)
      expect(await store.has(names[0]!)).toBe(false)
      await store.clear({ limit: names.length - 1, lt: 'i' })
      await store.clear({ gt: 'intact' })
      expect(await store.keys().all()).toEqual(['intact'])
    })
  }
)

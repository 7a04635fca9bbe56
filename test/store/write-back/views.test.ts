import { describe, expect, it } from 'vitest'
import type { Store } from '../../support/logged-store.js'
import { text } from '../../support/sample-values.js'
import { BACKENDS, LARGE, NEVER, openWriteBack } from './write-back-store.js'

const OLD = Buffer.from('old')
const NEW = Buffer.from('new')
const name = (i: number) => `k${String(i).padStart(4, '0')}`
const all = (value: Buffer) => Array.from({ length: 200 }, (_, i) => ({ type: 'put' as const, key: name(i), value }))
const KEYS = ['aa', 'a', 'b', 'c', 'd', 'e', 'x']

/** What may happen to a store while somebody looks at a moment before it. */
const laters: Record<string, (store: Store) => Promise<unknown>> = {
  writes: store =>
    Promise.all([store.put('b', NEW), store.put('e', NEW), store.del('a'), store.put('aa', text(100_000))]),
  'a flush': store => store.flush(),
  'writes and a flush': async store => {
    await store.batch('abcx'.split('').map(key => ({ type: 'put', key, value: NEW })))
    await store.del('d')
    await store.flush()
  },
  'a clear': store => store.clear(),
  'a clear and a flush': async store => {
    await store.clear({ gte: 'b' })
    await store.flush()
    await store.put('c', NEW)
  },
  'a limited clear': store => store.clear({ limit: 2 }),
  'other views and merged tables': async store => {
    for (let i = 0; i < 20; i++) {
      await store.put('b', Buffer.of(i))
      await store.keys().next()
    }
    await store.flush()
  }
}

describe.each(Object.entries(BACKENDS))('over %s', (_, backendOf) => {
  /** a and b in the backend, c and d in tables, b overwritten there. */
  const filled = async () => {
    const opened = await openWriteBack({ cacheBytes: 100_000 }, backendOf())
    const { store } = opened
    await store.batch('ab'.split('').map(key => ({ type: 'put', key, value: OLD })))
    await store.flush()
    for (const key of 'bcd') await store.put(key, OLD)
    return opened
  }
  const entries = 'abcd'.split('').map(key => [key, OLD])

  describe.each(Object.entries(laters))('%s', (_later, happens) => {
    it('change no iterator that was there before', async () => {
      const { store } = await filled()
      const iterators = [store.iterator(), store.iterator({ reverse: true }), store.iterator({ gte: 'b', lt: 'd' })]
      const begun = store.iterator()
      expect(await begun.next()).toEqual(entries[0])
      const sought = store.iterator()
      await happens(store)
      sought.seek('c')
      expect(await iterators[0]!.all()).toEqual(entries)
      expect(await iterators[1]!.all()).toEqual(entries.toReversed())
      expect(await iterators[2]!.all()).toEqual(entries.slice(1, 3))
      expect(await begun.all()).toEqual(entries.slice(1))
      expect(await sought.all()).toEqual(entries.slice(2))
    })

    it('change nothing that a snapshot from before shows', async () => {
      const { store } = await filled()
      const snapshot = store.snapshot()
      await happens(store)
      for (let round = 0; round < 2; round++) {
        expect(await store.iterator({ snapshot }).all()).toEqual(entries)
        expect(await store.keys({ snapshot, reverse: true, limit: 2 }).all()).toEqual(['d', 'c'])
        expect(await store.getMany(KEYS, { snapshot })).toEqual(
          KEYS.map(key => ('abcd'.includes(key) ? OLD : undefined))
        )
        expect(await store.get('b', { snapshot })).toEqual(OLD)
        expect(store.getSync('c', { snapshot })).toEqual(OLD)
        expect(await store.hasMany('de'.split(''), { snapshot })).toEqual([true, false])
        expect(await store.has('a', { snapshot })).toBe(true)
        await store.flush()
      }
      const before = await store.keys().all()
      await snapshot.close()
      expect(await store.keys().all()).toEqual(before)
    })
  })

  it('a snapshot over cleared ranges and deletes shows them', async () => {
    const { store } = await filled()
    await store.clear({ gte: 'b', lt: 'd' })
    await store.del('a')
    const snapshot = store.snapshot()
    await store.batch('abc'.split('').map(key => ({ type: 'put', key, value: NEW })))
    await store.flush()
    expect(await store.keys({ snapshot }).all()).toEqual(['d'])
    expect(await store.getMany('abcd'.split(''), { snapshot })).toEqual([undefined, undefined, undefined, OLD])
    expect(await store.get('b', { snapshot })).toBeUndefined()
    expect(await store.has('a', { snapshot })).toBe(false)
    await snapshot.close()
  })

  it('a snapshot serves sublevels', async () => {
    const { store } = await openWriteBack({}, backendOf())
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    await sub.put('k', OLD)
    const snapshot = store.snapshot()
    await sub.put('k', NEW)
    await store.flush()
    expect(await sub.get('k', { snapshot })).toEqual(OLD)
    expect(await sub.values({ snapshot }).all()).toEqual([OLD])
    await snapshot.close()
  })

  it('an iterator over many entries shows its moment to the end', async () => {
    const { store } = await openWriteBack({ memtable: { ...NEVER, flushBytes: 10_000 } }, backendOf(), LARGE)
    await store.batch(all(OLD))
    let seen = 0
    for await (const [key, value] of store.iterator()) {
      expect([key, value]).toEqual([name(seen++), OLD])
      if (seen % 40 === 0) await store.batch(all(NEW))
      else await store.put(name(seen + 50), NEW)
      if (seen === 100) await store.clear()
    }
    expect(seen).toBe(200)
  })
})

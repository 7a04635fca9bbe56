import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { contents } from '../../support/logged-store.js'
import { text } from '../../support/sample-values.js'
import { afterKill, BACKENDS, keysIn, openWriteBack } from './write-back-store.js'

const OLD = Buffer.from('old')
const NEW = Buffer.from('new')

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 }))
afterEach(() => void vi.useRealTimers())

const later = (ms: number) => vi.setSystemTime(Date.now() + ms)

describe.each(Object.entries(BACKENDS))('over %s', (_, backendOf) => {
  const values: [string, Buffer, object][] = [
    ['a small value', NEW, {}],
    ['one that is sealed before it is logged', text(100_000), {}],
    ['one with a codec of its own', text(2000), { codec: 'zstd' }]
  ]

  it.each(values)('%s is there until its time is over, then gone for every read', async (_value, value, options) => {
    const { store } = await openWriteBack({}, backendOf())
    await store.put('k', OLD)
    await store.flush()
    await store.put('k', value, { ttl: 1000, ...options })
    await store.put('l', OLD)
    const snapshot = store.snapshot()
    const iterator = store.iterator()
    for (const [flushed, gone] of [
      [false, false],
      [false, true],
      [true, true]
    ]) {
      if (gone && !flushed) later(1000)
      if (flushed) await store.flush()
      expect((await store.get('k'))?.equals(value)).toBe(gone ? undefined : true)
      expect(store.getSync('k')?.equals(value)).toBe(gone ? undefined : true)
      expect((await store.getMany(['l', 'k'])).map(found => found?.length)).toEqual([
        3,
        gone ? undefined : value.length
      ])
      expect(await store.has('k')).toBe(!gone)
      expect(await store.hasMany(['k', 'l'])).toEqual([!gone, true])
      expect(await store.keys().all()).toEqual(gone ? ['l'] : ['k', 'l'])
      expect((await store.values().all()).length).toBe(gone ? 1 : 2)
      expect((await store.keys({ limit: 1 }).all())[0]).toBe(gone ? 'l' : 'k')
      expect((await store.keys({ reverse: true, limit: 2 }).all()).length).toBe(gone ? 1 : 2)
      expect(await store.keys({ snapshot }).all()).toEqual(gone ? ['l'] : ['k', 'l'])
      expect((await store.get('k', { snapshot }))?.equals(value)).toBe(gone ? undefined : true)
    }
    expect(await iterator.all()).toEqual([['l', OLD]])
    await snapshot.close()
  })

  it('a plain put removes it, a later one sets it anew', async () => {
    const { store } = await openWriteBack({}, backendOf())
    await store.batch([
      { type: 'put', key: 'a', value: OLD, ttl: 1000 },
      { type: 'put', key: 'b', value: OLD, ttl: 1000 },
      { type: 'put', key: 'c', value: OLD }
    ])
    await store.put('a', NEW)
    await store.put('b', NEW, { ttl: 5000 })
    later(2000)
    expect(await store.keys().all()).toEqual(['a', 'b', 'c'])
    await store.flush()
    expect(await store.keys().all()).toEqual(['a', 'b', 'c'])
    later(5000)
    expect(await store.keys().all()).toEqual(['a', 'c'])
  })

  it('is absolute: through a flush, a kill and a replay', async () => {
    const opened = await openWriteBack({}, backendOf())
    await opened.store.put('flushed', OLD, { ttl: 1000 })
    await opened.store.flush()
    await opened.store.put('logged', NEW, { ttl: 1000 })
    await opened.store.put('large', text(100_000), { ttl: 1000 })
    await opened.store.put('stays', NEW)
    later(999)
    const soon = await afterKill(opened)
    expect(await soon.keys().all()).toEqual(['flushed', 'large', 'logged', 'stays'])
    expect(await soon.has('logged')).toBe(true)
    later(1)
    expect(await soon.keys().all()).toEqual(['stays'])
    expect(await soon.has('flushed')).toBe(false)
    expect(await contents(await afterKill(opened))).toEqual([['stays', 'new']])
  })

  it('a limited clear takes no account of what has expired', async () => {
    const { store, backend } = await openWriteBack({}, backendOf())
    await store.put('a', OLD, { ttl: 10 })
    await store.put('d', OLD)
    await store.flush()
    await store.put('b', OLD, { ttl: 10 })
    for (const key of 'ce') await store.put(key, OLD)
    later(10)
    await store.clear({ limit: 2 })
    expect(await store.keys().all()).toEqual(['e'])
    await store.flush()
    expect((await keysIn(backend)).includes('c')).toBe(false)
  })

  it('what expires while an iterator stands before it is not handed out', async () => {
    const { store } = await openWriteBack({}, backendOf())
    await store.put('a', OLD)
    await store.put('b', NEW, { ttl: 10 })
    const iterator = store.keys()
    expect(await iterator.next()).toBe('a')
    later(10)
    expect(await iterator.next()).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { contents, type Store } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { RESERVED_PREFIX } from '../../support/reserved.js'
import { afterKill, BACKENDS, keysIn, LARGE, openWriteBack, type WriteBack } from './write-back-store.js'

const OLD = Buffer.from('old')
const NEW = Buffer.from('new')
const numbered = (i: number) => `k${String(i).padStart(4, '0')}`
const BINARY = { keyEncoding: 'buffer' } as const

/** Of a to h, some in the backend alone, some in a table alone, some in both, and some deleted: a b c d f h are left. */
async function spread(backendOf: () => WriteBack['backend']): Promise<WriteBack> {
  const opened = await openWriteBack({}, backendOf())
  const { store } = opened
  for (const key of 'acegh') await store.put(key, OLD)
  await store.flush()
  await store.put('b', NEW)
  await store.del('e')
  store.iterator()
  await store.put('c', NEW)
  await store.clear({ gte: 'g', lte: 'g' })
  for (const key of 'df') await store.put(key, NEW)
  return opened
}

const joined = async (store: Store) => (await store.keys().all()).join('')

const cases: [object, string][] = [
  [{}, ''],
  [{ limit: 0 }, 'abcdfh'],
  [{ limit: 1 }, 'bcdfh'],
  [{ limit: 4 }, 'fh'],
  [{ limit: 100 }, ''],
  [{ limit: 1, reverse: true }, 'abcdf'],
  [{ limit: 3, reverse: true }, 'abc'],
  [{ gt: 'b', limit: 2 }, 'abfh'],
  [{ gte: 'b', lt: 'f', limit: 2, reverse: true }, 'abfh'],
  [{ gte: 'e', limit: 1 }, 'abcdh'],
  [{ gte: 'b', lt: 'f' }, 'afh'],
  [{ gt: 'b', lte: 'f' }, 'abh'],
  [{ gte: 'c', reverse: true }, 'ab'],
  [{ lt: 'a' }, 'abcdfh'],
  [{ lt: '' }, 'abcdfh'],
  [{ lte: '' }, 'abcdfh'],
  [{ gt: 'h' }, 'abcdfh'],
  [{ gt: 'f', lt: 'b' }, 'abcdfh'],
  [{ gt: 'b', lt: 'b' }, 'abcdfh']
]

describe.each(Object.entries(BACKENDS))('over %s', (_, backendOf) => {
  it.each(cases)('clear(%j) removes exactly what it is about', async (options, left) => {
    const opened = await spread(backendOf)
    const { store, backend } = opened
    expect(await joined(store)).toBe('abcdfh')
    await store.clear(options)
    expect(await joined(store)).toBe(left)
    expect(await joined(await afterKill(opened))).toBe(left)
    await store.flush()
    expect(await joined(store)).toBe(left)
    expect((await keysIn(backend)).join('')).toBe(left)
  })

  it('with a snapshot: what it shows, whatever was written since', async () => {
    for (const flushed of [false, true]) {
      const opened = await spread(backendOf)
      const { store } = opened
      const snapshot = store.snapshot()
      await store.put('a', Buffer.from('again'))
      await store.del('b')
      await store.put('e', NEW)
      await store.put('i', NEW)
      if (flushed) await store.flush()
      await store.clear({ snapshot, gte: 'b' })
      expect(await joined(store)).toBe('aei')
      await store.clear({ snapshot, limit: 1 })
      expect(await joined(store)).toBe('ei')
      expect(await store.keys({ snapshot }).all()).toEqual('abcdfh'.split(''))
      await snapshot.close()
      expect(await joined(await afterKill(opened))).toBe('ei')
    }
  })

  it('the snapshot may be closed while the clear waits', async () => {
    const { store } = await spread(backendOf)
    const snapshot = store.snapshot()
    await store.put('z', NEW)
    const clear = store.clear({ snapshot })
    await snapshot.close()
    await clear
    expect(await joined(store)).toBe('z')
  })

  it('of a sublevel, limited or not', async () => {
    const { store } = await openWriteBack({}, backendOf())
    const [one, other] = ['one', 'other'].map(name => store.sublevel<string, Buffer>(name, { valueEncoding: 'buffer' }))
    for (const key of 'abc')
      await store.batch([one!, other!].map(sublevel => ({ type: 'put', sublevel, key, value: OLD })))
    await store.flush()
    await one!.put('d', NEW)
    await one!.clear({ limit: 2 })
    expect(await one!.keys().all()).toEqual(['c', 'd'])
    await one!.clear({ reverse: true, limit: 1 })
    expect(await one!.keys().all()).toEqual(['c'])
    await one!.clear()
    expect(await one!.keys().all()).toEqual([])
    expect(await other!.keys().all()).toEqual(['a', 'b', 'c'])
    await store.flush()
    expect(await store.keys().all()).toEqual(['!other!a', '!other!b', '!other!c'])
  })

  it('spares the reserved keys, and clears both sides of them', async () => {
    const { store, fs, backend } = await openWriteBack({}, backendOf())
    const around = [Buffer.of(0xff), RESERVED_PREFIX.subarray(0, 4), Buffer.of(0xff, 0xff)]
    for (const options of [{}, { limit: 10 }]) {
      for (const key of around) await store.put<Buffer, Buffer>(key, OLD, BINARY)
      await store.flush()
      for (const key of around) await store.put<Buffer, Buffer>(key, NEW, BINARY)
      expect((await store.keys(BINARY as object).all()).length).toBe(3)
      await store.clear(options)
      expect(await store.keys().all()).toEqual([])
      await store.flush()
      expect(await keysIn(backend)).toEqual([])
    }
    await store.put('k', NEW)
    expect(await contents(await afterKill({ store, fs, backend }))).toEqual([['k', 'new']])
  })

  it('many keys with a limit, in one piece', async () => {
    const opened = await openWriteBack({}, backendOf(), LARGE)
    const { store } = opened
    const put = (i: number) => ({ type: 'put' as const, key: numbered(i), value: OLD })
    await store.batch(Array.from({ length: 1500 }, (_unused, i) => put(i)))
    await store.flush()
    await store.batch(Array.from({ length: 500 }, (_unused, i) => put(2 * i)))
    await store.clear({ limit: 1200 })
    expect((await store.keys().all()).length).toBe(300)
    expect((await (await afterKill(opened)).keys({ limit: 1 }).all())[0]).toBe(numbered(1200))
    await store.flush()
    expect((await store.keys().all())[0]).toBe(numbered(1200))
  })
})

it('many small ranges reach the backend together: each write of it is an fsync', async () => {
  const backend = new PermanentMemoryLevel()
  const opened = await openWriteBack({}, backend)
  const { store } = opened
  const keys = Array.from({ length: 100 }, (_unused, i) => numbered(i))
  await store.batch(keys.map(key => ({ type: 'put', key, value: OLD })))
  await store.flush()
  const before = backend.disk.steps
  for (let i = 0; i < 45; i += 3) {
    await store.clear({ gte: numbered(i), lt: numbered(i + 3) })
    await store.put(numbered(i + 1), NEW)
  }
  await store.flush()
  expect(backend.disk.steps - before).toBe(2)
  const expected = keys.flatMap((key, i) => (i >= 45 ? [[key, 'old']] : i % 3 === 1 ? [[key, 'new']] : []))
  expect(await contents(store)).toEqual(expected)
  expect(await contents(await afterKill(opened))).toEqual(expected)
})

it('what a range deleted before it was flushed never reaches the backend', async () => {
  const backend = new PermanentMemoryLevel()
  const { store } = await openWriteBack({}, backend)
  for (const key of 'abc') await store.put(key, OLD)
  await store.clear({ lt: 'c' })
  await store.flush()
  const written = backend.disk.batches.flatMap(({ operations }) => operations.map(({ key }) => key.toString()))
  expect(written.filter(key => key.length === 1)).toEqual(['c'])
})

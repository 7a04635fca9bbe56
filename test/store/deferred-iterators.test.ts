import type { AbstractSnapshot } from 'abstract-level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { failures } from '../support/failures.js'
import { memory, openStore, type Store } from '../support/memory-store.js'

const VALUE = Buffer.from('value')
const INVALID_KEY: unknown = expect.objectContaining({ code: 'LEVEL_INVALID_KEY' })

interface ReadOptions {
  readonly snapshot?: AbstractSnapshot
}

const iterators = [
  ['iterator()', (db: Store, options: ReadOptions = {}) => db.iterator(options)],
  ['keys()', (db: Store, options: ReadOptions = {}) => db.keys(options)],
  ['values()', (db: Store, options: ReadOptions = {}) => db.values(options)]
] as const

/** Encodes a key as what is neither text nor bytes. */
const keyEncoding = {
  name: 'partial',
  format: 'buffer',
  encode: (key: string) => (key === 'bad' ? (5 as unknown as Buffer) : Buffer.from(key)),
  decode: (key: Buffer) => key.toString()
} as const

// abstract-level makes and seeks it when the database opens, one call that waited for that after the other: what is thrown there must not end it.
describe('while the store is opening', () => {
  it.each(iterators)('%s that cannot be made fails alone, and says why', async (_, made) => {
    const { store: another } = await openStore()
    const snapshot = another.snapshot()
    const store = new CompressedKvStore(memory())
    const sublevel = store.sublevel('sub', { valueEncoding: 'buffer' }) as unknown as Store
    const refused: Promise<unknown>[] = []
    const others: Promise<unknown>[] = []
    for (const db of [store, sublevel]) {
      refused.push(made(db, { snapshot }).next(), made(db, { snapshot }).nextv(2), made(db, { snapshot }).all())
      others.push(db.put('k', VALUE), made(db).next(), db.get('k'))
    }
    for (const failure of await failures(refused)) expect(failure).toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
    expect(await failures(others)).toEqual(others.map(() => undefined))
    await store.close()
  })

  it.each(iterators)('%s that cannot seek fails alone, and does not go on elsewhere', async (_, made) => {
    const store = new CompressedKvStore<string, Buffer>(memory(), { keyEncoding })
    const iterator = made(store)
    iterator.seek('bad')
    expect(await failures([iterator.next(), store.put('k', VALUE)])).toEqual([INVALID_KEY, undefined])
    await iterator.close()
    await store.close()
  })

  it.each(iterators)('%s seeks as one that is made later, and so when the store is open', async (_, made) => {
    const { store, backend } = await openStore()
    await store.batch(['a', 'b', 'c'].map(key => ({ type: 'put', key, value: VALUE })))
    await store.close()
    const again = new CompressedKvStore<string, Buffer>(backend, { keyEncoding })
    const iterator = made(again)
    iterator.seek('b')
    expect(await iterator.nextv(5)).toHaveLength(2)
    expect(() => iterator.seek('bad')).toThrow(INVALID_KEY)
    iterator.seek('c')
    expect(await iterator.nextv(5)).toHaveLength(1)
    await again.close()
  })
})

import type { EventEmitter } from 'node:events'
import { CompressedKvStore } from 'compressed-kv'
import { KeyvCompressedStore } from 'compressed-kv/keyv'
import { Keyv as Keyv5, type KeyvStoreAdapter } from 'keyv'
import { Keyv as Keyv6, type KeyvStorageAdapter } from 'keyv-6'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.js'

type Store = CompressedKvStore

const backends: Record<string, () => Store> = {
  'memory-level': () => new CompressedKvStore(new MemoryLevel()),
  level: () => new CompressedKvStore(new Level(temporaryDirectory()))
}

const open: Store[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(open.splice(0).map(store => store.close()))
})

function opened(store: Store): Store {
  open.push(store)
  return store
}

/** What both versions of Keyv have. */
interface Keyv {
  ttl?: number | undefined
  get(key: string): Promise<unknown>
  getMany(keys: string[]): Promise<unknown[]>
  set(key: string, value: unknown, ttl?: number): Promise<boolean>
  setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<boolean[]>
  has(key: string): Promise<boolean>
  hasMany(keys: string[]): Promise<boolean[]>
  delete(key: string): Promise<boolean>
  deleteMany(keys: string[]): Promise<boolean | boolean[]>
  clear(): Promise<void>
  iterator?(namespace: undefined): AsyncGenerator
  disconnect(): Promise<void>
}

type KeyvOver = (store: Store, namespace: string) => Keyv

/** Both reject when the store does. */
const keyv5Over = (store: Store, namespace: string) =>
  new Keyv5({ store: new KeyvCompressedStore(store), namespace, throwOnErrors: true })
const keyv6Over = (store: Store, namespace: string) => new Keyv6({ store: new KeyvCompressedStore(store), namespace })

const versions: Record<string, KeyvOver> = { 'Keyv 5': keyv5Over, 'Keyv 6': keyv6Over }

const combinations = Object.entries(versions).flatMap(([version, keyvOver]) =>
  Object.entries(backends).map(([name, backend]) => ({ version, keyvOver, name, backend }))
)

async function entriesOf(keyv: Keyv): Promise<unknown[]> {
  const entries: unknown[] = []
  for await (const entry of keyv.iterator!(undefined)) entries.push(entry)
  return entries
}

/** Moves the clock that both Keyv and the store read. */
function clockAt(ms: number): void {
  vi.spyOn(Date, 'now').mockReturnValue(ms)
}

/** Text that compresses, as a rendered page does. */
const page = '<li class="entry"><a href="/docs">Documentation</a></li>\n'.repeat(200)

describe.each(combinations)('$version over a compressed store over $name', ({ version, keyvOver, backend }) => {
  let store: Store
  let pages: Keyv
  let users: Keyv

  beforeEach(() => {
    store = opened(backend())
    pages = keyvOver(store, 'pages')
    users = keyvOver(store, 'users')
  })

  it('gives back what was set, of any JSON type, while the store is still opening', async () => {
    expect(store.status).toBe('opening')
    const values = { text: 'å\u{1f4be}', number: 0, no: false, list: [1, { deep: 'yes' }], nothing: null }
    for (const [key, value] of Object.entries(values)) expect(await pages.set(key, value)).toBe(true)
    for (const [key, value] of Object.entries(values)) expect(await pages.get(key)).toEqual(value)
    expect(await pages.get('never set')).toBeUndefined()
  })

  it('keeps keys apart by namespace', async () => {
    await pages.set('a', 'page')
    await users.set('a', 'user')
    expect([await pages.get('a'), await users.get('a')]).toEqual(['page', 'user'])
    expect(await store.keys().all()).toEqual(['pages:a', 'users:a'])
  })

  it('stores big values compressed and small ones raw', async () => {
    await pages.set('big', page)
    await pages.set('small', 'x')
    expect(await pages.get('big')).toBe(page)
    await store.flush() // Values are compressed when they move to the backend.
    const { written, raw } = store.stats()
    expect(written.byCodec.lz4).toMatchObject({ values: 1 })
    expect(written.byCodec.lz4!.bytesIn).toBeGreaterThan(page.length)
    expect(written.byCodec.lz4!.bytesStored).toBeLessThan(page.length / 10)
    expect(raw.belowMinSize).toBe(1)
  })

  it('lets entries expire in Keyv and in the store, to the millisecond', async () => {
    clockAt(1_000_000)
    await pages.set('brief', page, 500)
    await pages.set('lasting', page)
    clockAt(1_000_499)
    expect(await pages.get('brief')).toBe(page)
    expect(await pages.has('brief')).toBe(true)
    clockAt(1_000_500)
    expect(await pages.get('brief')).toBeUndefined()
    expect(await pages.has('brief')).toBe(false)
    expect(await pages.getMany(['brief', 'lasting'])).toEqual([undefined, page])
    expect(await entriesOf(pages)).toEqual([['lasting', page]])
    expect(await store.keys().all()).toEqual(['pages:lasting'])
    expect(await pages.delete('brief')).toBe(false)
  })

  it("applies Keyv's default ttl, and a later set without one removes it", async () => {
    clockAt(1_000_000)
    pages.ttl = 100
    await pages.set('a', 1)
    await pages.set('b', 1)
    await pages.set('b', 2, 0) // For Keyv, 0 means for ever.
    clockAt(2_000_000)
    expect(await pages.getMany(['a', 'b'])).toEqual([undefined, 2])
  })

  it('keeps for ever what has an infinite ttl, as Keyv does', async () => {
    clockAt(1_000_000)
    expect(await pages.set('a', 1, Infinity)).toBe(true)
    clockAt(1e14)
    expect(await pages.get('a')).toBe(1)
  })

  it('deletes, and tells whether there was something to delete', async () => {
    await pages.set('a', 1)
    await users.set('a', 1)
    expect(await pages.delete('a')).toBe(true)
    expect(await pages.delete('a')).toBe(false)
    expect(await pages.get('a')).toBeUndefined()
    expect(await users.get('a')).toBe(1)
  })

  it('gets, sets, looks up and deletes many at once', async () => {
    expect(
      await pages.setMany([
        { key: 'a', value: 1 },
        { key: 'b', value: page },
        { key: 'c', value: 3 }
      ])
    ).toEqual([true, true, true])
    expect(await pages.getMany(['a', 'none', 'b'])).toEqual([1, undefined, page])
    expect(await pages.hasMany(['a', 'none', 'c'])).toEqual([true, false, true])
    const is6 = version === 'Keyv 6'
    expect(await pages.deleteMany(['a', 'none', 'b'])).toEqual(is6 ? [true, false, true] : true)
    expect(await pages.deleteMany(['a', 'none'])).toEqual(is6 ? [false, false] : false)
    expect(await pages.deleteMany([])).toEqual(is6 ? [] : false)
    expect(await pages.hasMany(['a', 'b', 'c'])).toEqual([false, false, true])
  })

  it('keeps the order of calls that nobody awaits', async () => {
    const adapter = new KeyvCompressedStore(store)
    await store.put('k', 'old')
    await Promise.all([adapter.delete('k'), adapter.set('k', 'new')])
    expect(await adapter.get('k')).toBe('new')
    await Promise.all([adapter.set('k', 'newer'), adapter.deleteMany(['k'])])
    expect(await adapter.get('k')).toBeUndefined()
    await Promise.all([adapter.set('k', 'newest'), adapter.clear()])
    expect(await adapter.get('k')).toBeUndefined()
  })

  it('clears one namespace and leaves its neighbours alone', async () => {
    const page1 = keyvOver(store, 'page')
    const page2 = keyvOver(store, 'pages2')
    for (const keyv of [pages, users, page1, page2]) await keyv.set('a', 1)
    for (const key of ['pages', 'pages;a']) await store.put(key, 'of another user of the store')
    await pages.clear()
    expect(await pages.get('a')).toBeUndefined()
    expect(await store.keys().all()).toEqual(['page:a', 'pages', 'pages2:a', 'pages;a', 'users:a'])
  })

  it.each([undefined, ''])('clears and iterates over everything without a namespace (%j)', async namespace => {
    const adapter = new KeyvCompressedStore(store)
    adapter.namespace = namespace
    await adapter.set('plain', '1')
    await pages.set('a', 1)
    const entries: unknown[] = []
    for await (const entry of adapter.iterator()) entries.push(entry)
    expect(entries).toEqual([
      ['pages:a', '{"value":1}'],
      ['plain', '1']
    ])
    await adapter.clear()
    expect(await store.keys().all()).toEqual([])
  })

  it('iterates over one namespace, in the order of keys', async () => {
    await pages.set('b', page)
    await pages.set('a:1', [1])
    await users.set('a', 'of another namespace')
    expect(await entriesOf(pages)).toEqual([
      ['a:1', [1]],
      ['b', page]
    ])
  })

  it('closes the iterator of the store when a loop is left early', async () => {
    await pages.set('a', 1)
    await pages.set('b', 1)
    for await (const entry of pages.iterator!(undefined)) {
      expect(entry).toEqual(['a', 1])
      break
    }
    await pages.disconnect()
    expect(store.status).toBe('closed')
  })

  it('serves any number of Keyvs over one store without a warning', async () => {
    const warned = vi.fn<(warning: Error) => void>()
    process.on('warning', warned)
    const many = Array.from({ length: 20 }, (__, i) => keyvOver(store, `cache${i}`))
    await Promise.all(many.map((keyv, i) => keyv.set('k', i)))
    expect(await Promise.all(many.map(keyv => keyv.get('k')))).toEqual(many.map((__, i) => i))
    await new Promise(resolve => setImmediate(resolve)) // Warnings are emitted in a later tick.
    process.off('warning', warned)
    expect(warned).not.toHaveBeenCalled()
  })
})

const successions: [string, string, KeyvOver, KeyvOver][] = [
  ['5', '6', keyv5Over, keyv6Over],
  ['6', '5', keyv6Over, keyv5Over]
]

describe.each(successions)('what Keyv %s wrote, Keyv %s', (_, __, writer, reader) => {
  let store: Store

  beforeEach(() => {
    store = opened(new CompressedKvStore(new MemoryLevel()))
  })

  it('reads, looks up, iterates over, deletes and clears in the same namespace', async () => {
    const written = writer(store, 'pages')
    const read = reader(store, 'pages')
    const values = { page, ':tagged': [':base64:x'], bytes: Buffer.from('å'), nothing: null }
    for (const [key, value] of Object.entries(values)) await written.set(key, value)
    await writer(store, 'users').set('page', 'of another namespace')
    for (const [key, value] of Object.entries(values)) expect(await read.get(key)).toEqual(value)
    expect(await read.getMany(['none', 'page'])).toEqual([undefined, page])
    expect(await read.hasMany(['none', 'page'])).toEqual([false, true])
    expect(await entriesOf(read)).toEqual(Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    expect(await read.delete('page')).toBe(true)
    expect(await written.get('page')).toBeUndefined()
    await read.clear()
    expect(await store.keys().all()).toEqual(['users:page'])
  })

  it('sees end when it was to end', async () => {
    clockAt(1_000_000)
    await writer(store, 'pages').set('brief', page, 500)
    const read = reader(store, 'pages')
    clockAt(1_000_499)
    expect(await read.get('brief')).toBe(page)
    clockAt(1_000_500)
    expect(await read.get('brief')).toBeUndefined()
    expect(await store.keys().all()).toEqual([])
  })
})

describe('of Keyv 5', () => {
  let store: Store
  let pages: Keyv5

  beforeEach(() => {
    store = opened(new CompressedKvStore(new MemoryLevel()))
    pages = keyv5Over(store, 'pages')
  })

  it('the adapter has the type', () => {
    expectTypeOf<KeyvCompressedStore>().toExtend<KeyvStoreAdapter>()
    expect(new Keyv5(new KeyvCompressedStore(store)).namespace).toBe('keyv')
  })

  it('errors of the store are reported', async () => {
    const errors: unknown[] = []
    pages.on('error', error => errors.push(error))
    await expect(pages.set('a', 1, -1)).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
    pages.throwOnErrors = false
    expect(await pages.set('a', 1, -1)).toBe(false)
    expect(errors).toMatchObject([{ code: 'CKV_INVALID_OPTION' }, { code: 'CKV_INVALID_OPTION' }])
  })

  it('values that were not serialised are refused, instead of storing [object Object]', async () => {
    pages.serialize = undefined
    await expect(pages.set('a', { b: 1 })).rejects.toThrow(TypeError)
    expect(await store.has('pages:a')).toBe(false)
  })

  it('version 5.3 finds no setMany, to which it would pass keys and values as it gets them', () => {
    expect(new KeyvCompressedStore(store).setMany).toBeUndefined()
  })
})

describe('of Keyv 6', () => {
  let store: Store
  let pages: Keyv6

  beforeEach(() => {
    store = opened(new CompressedKvStore(new MemoryLevel()))
    pages = keyv6Over(store, 'pages')
  })

  it('the adapter has the type, but for the listeners, and is used directly', () => {
    type Methods = Omit<KeyvStorageAdapter, keyof EventEmitter | 'capabilities'>
    expectTypeOf<KeyvCompressedStore>().toExtend<Methods>()
    expect(pages.store).toBeInstanceOf(KeyvCompressedStore)
  })

  it('errors of the store are reported', async () => {
    await store.close()
    await expect(pages.set('a', 1)).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    const errors: unknown[] = []
    pages.on('error', error => errors.push(error))
    expect(await pages.set('a', 1)).toBe(false)
    expect(await pages.setMany([{ key: 'a', value: 1 }])).toEqual([false])
    expect(errors).toMatchObject([{ code: 'LEVEL_DATABASE_NOT_OPEN' }, { code: 'LEVEL_DATABASE_NOT_OPEN' }])
  })

  it('values that were not serialised are refused, and then none of many is stored', async () => {
    pages.serialization = false
    await expect(pages.set('a', { b: 1 })).rejects.toThrow(TypeError)
    const adapter = pages.store
    await expect(
      adapter.setMany<unknown>([
        { key: 'a', value: 'text' },
        { key: 'b', value: 2 }
      ])
    ).rejects.toThrow(TypeError)
    expect(await store.keys().all()).toEqual([])
  })

  it('keys that begin as the namespace does stay apart from others', async () => {
    await pages.set('a', 1)
    await pages.set('pages:a', 2)
    expect(await pages.getMany(['a', 'pages:a'])).toEqual([1, 2])
    expect(await entriesOf(pages)).toEqual([
      ['a', 1],
      ['pages:a', 2]
    ])
  })

  it('entries of many at once end each at its time', async () => {
    clockAt(1_000_000)
    await pages.setMany([
      { key: 'brief', value: 1, ttl: 500 },
      { key: 'lasting', value: 2 }
    ])
    clockAt(1_000_499)
    expect(await pages.store.hasMany(['brief', 'lasting'])).toEqual([true, true])
    clockAt(1_000_500)
    expect(await pages.store.hasMany(['brief', 'lasting'])).toEqual([false, true])
  })

  it('an entry that ends in the past replaces the one before it, and is not seen', async () => {
    clockAt(1_000_000)
    await pages.set('a', 1)
    expect(await pages.setRaw('a', { value: 2, expires: 999_999 })).toBe(true)
    expect(await pages.store.get('a')).toBeUndefined()
    expect(await store.keys().all()).toEqual([])
  })

  it('the namespace of the adapter is kept if Keyv has none', async () => {
    const adapter = new KeyvCompressedStore(store)
    adapter.namespace = 'users'
    await new Keyv6({ store: adapter }).set('a', 1)
    await new Keyv6({ store: new KeyvCompressedStore(store) }).set('b', 1)
    expect(await store.keys().all()).toEqual(['b', 'users:a'])
  })
})

it('stores text whatever the encodings of the store are, also in a sublevel', async () => {
  const store = new CompressedKvStore(new MemoryLevel<number[], Date>({ keyEncoding: 'json', valueEncoding: 'json' }))
  const keyv = new Keyv5({ store: new KeyvCompressedStore(store), namespace: 'cache' })
  await keyv.set('a', { b: 1 })
  expect(await keyv.get('a')).toEqual({ b: 1 })
  expect(await store.get('cache:a', { keyEncoding: 'utf8', valueEncoding: 'utf8' })).toBe('{"value":{"b":1}}')

  const sublevel = store.sublevel('cached', { valueEncoding: 'json' })
  const inside = new Keyv5({ store: new KeyvCompressedStore(sublevel), namespace: 'cache' })
  await inside.set('a', 2, 1000)
  expect([await keyv.get('a'), await inside.get('a')]).toEqual([{ b: 1 }, 2])
  await inside.clear()
  expect([await keyv.get('a'), await inside.get('a')]).toEqual([{ b: 1 }, undefined])
  await store.close()
})

it.each(Object.entries(versions))(
  '%s stores text also where the encodings of the store are others',
  async (_, over) => {
    const store = new CompressedKvStore(new MemoryLevel<number, Date>({ keyEncoding: 'json', valueEncoding: 'json' }))
    const keyv = over(store as never, 'cache')
    await keyv.set('a', 1)
    await keyv.setMany([{ key: 'b', value: 2 }])
    expect(await keyv.getMany(['a', 'b'])).toEqual([1, 2])
    expect([await keyv.has('a'), await keyv.hasMany(['b', 'c'])]).toEqual([true, [true, false]])
    await keyv.delete('a')
    await keyv.deleteMany(['b'])
    expect(await entriesOf(keyv)).toEqual([])
    await store.put(1, new Date(0))
    await keyv.set('a', 1)
    await keyv.clear()
    expect(await store.keys({ keyEncoding: 'utf8' }).all()).toEqual(['1'])
    await store.close()
  }
)

it('finds the cache again after a restart', async () => {
  const directory = temporaryDirectory()
  const before: Store = new CompressedKvStore(new Level(directory), { codec: 'zstd' })
  const keyv = keyv5Over(before, 'pages')
  await keyv.set('home', page)
  await keyv.disconnect()

  const after: Store = new CompressedKvStore(new Level(directory))
  expect(await keyv5Over(opened(after), 'pages').get('home')).toBe(page)
})

import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { type Backend, memory, openStore, type Store } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'

const values: Record<string, Buffer> = {
  'raw with a checksum': Buffer.from('a small value'),
  compressed: text(5000),
  'restored off the main thread': text(200_000),
  incompressible: noise(5000)
}

const reads: Record<string, (store: Store) => Promise<Buffer>> = {
  get: async store => (await store.get('key'))!,
  getSync: async store => store.getSync('key')!,
  getMany: async store => (await store.getMany(['key']))[0]!,
  iterator: async store => (await store.iterator().next())![1],
  'iterator.all': async store => (await store.iterator().all())[0]![1],
  values: async store => (await store.values().next())!,
  'get from a snapshot': async store => {
    await using snapshot = store.snapshot()
    return (await store.get('key', { snapshot }))!
  }
}

const backends: Record<string, () => Backend> = {
  'memory-level of buffers': memory,
  'memory-level of views': () => new MemoryLevel({ storeEncoding: 'view', valueEncoding: 'buffer' })
}

describe.each(Object.entries(backends))('over %s', (_, backend) => {
  describe.each(Object.entries(reads))('what %s returned is the caller’s own', (_name, read) => {
    it.each(Object.entries(values))('a value that is %s', async (_kind, original) => {
      const { store } = await openStore({}, backend())
      await store.put('key', original)
      const first = await read(store)
      expect(first.equals(original)).toBe(true)
      first.fill(0)
      expect((await read(store)).equals(original)).toBe(true)
      expect((await store.get('key'))!.equals(original)).toBe(true)
    })
  })

  it('a plain value from before the database was wrapped does not change either', async () => {
    const plain = backend()
    await plain.put('key', Buffer.from('plain'))
    const { store } = await openStore({}, plain)
    for (const read of Object.values(reads)) {
      const value = await read(store)
      expect(String(value)).toBe('plain')
      value.fill(0)
    }
    expect(String(await plain.get('key'))).toBe('plain')
  })
})

it('values of one key that were asked for together are apart', async () => {
  const { store } = await openStore()
  await store.put('key', text(100))
  const [one, two] = await store.getMany(['key', 'key'])
  one!.fill(0)
  expect(two!.equals(text(100))).toBe(true)
})

it('a value from the cache is the caller’s own, and so is the one that filled it', async () => {
  const { store } = await openStore({ cacheBytes: 1 << 20 })
  await store.put('key', text(5000))
  const filling = (await store.get('key'))!
  filling.fill(0)
  const hit = (await store.get('key'))!
  expect(hit.equals(text(5000))).toBe(true)
  hit.fill(0)
  expect((await store.get('key'))!.equals(text(5000))).toBe(true)
  expect(store.getSync('key')!.equals(text(5000))).toBe(true)
  expect(store.stats().cache).toMatchObject({ hits: 3, misses: 1 })
})

it('a view handed out as Uint8Array is the caller’s own too', async () => {
  const store = new CompressedKvStore(new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' }))
  await store.put('key', new Uint8Array([1, 2, 3]))
  const value = (await store.get('key'))!
  value.fill(0)
  expect([...(await store.get('key'))!]).toEqual([1, 2, 3])
})

it('a key handed out by an iterator is the caller’s own', async () => {
  const { store } = await openStore()
  await store.put('a', text(10))
  await store.put('b', text(10))
  const [first] = (await store.iterator({ keyEncoding: 'buffer' }).next()) as unknown as [Buffer, Buffer]
  first.fill('z')
  expect(await store.keys().all()).toEqual(['a', 'b'])
  const only = await store.keys({ keyEncoding: 'buffer' } as object).next()
  ;(only as unknown as Buffer).fill('z')
  expect(await store.keys().all()).toEqual(['a', 'b'])
})

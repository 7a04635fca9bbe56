import { describe, expect, it } from 'vitest'
import { memory, openStore, storedEntries } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'

const VALUE = Buffer.from('value')
const REFUSED = { code: 'LEVEL_READONLY' }

describe('readOnly', () => {
  it('refuses every write, and writes nothing itself', async () => {
    const backend = memory()
    await backend.put('plain', VALUE)
    const { store } = await openStore({ readOnly: true }, backend)
    const before = await storedEntries(backend)
    await expect(store.put('k', VALUE)).rejects.toMatchObject(REFUSED)
    await expect(store.put('k', VALUE, { ttl: 1 })).rejects.toMatchObject(REFUSED)
    await expect(store.del('plain')).rejects.toMatchObject(REFUSED)
    await expect(store.batch([{ type: 'put', key: 'k', value: VALUE }])).rejects.toMatchObject(REFUSED)
    await expect(store.batch([{ type: 'del', key: 'k' }])).rejects.toMatchObject(REFUSED)
    await expect(store.batch().put('k', VALUE).write()).rejects.toMatchObject(REFUSED)
    await expect(store.clear()).rejects.toMatchObject(REFUSED)
    await expect(store.clear({ limit: 1 })).rejects.toMatchObject(REFUSED)
    const sub = store.sublevel('sub')
    await expect(sub.put('k', 'v')).rejects.toMatchObject(REFUSED)
    await expect(sub.clear()).rejects.toMatchObject(REFUSED)
    await store.flush()
    expect(await storedEntries(backend)).toEqual(before)
    expect(store.stats().writes).toEqual({ calls: 0, backendCalls: 0, pending: 0 })
    await store.close()
  })

  it('reads everything', async () => {
    const { store, backend } = await openStore()
    await store.put('k', text(5000))
    await store.close()
    const reader = (await openStore({ readOnly: true, cacheBytes: 10_000 }, backend)).store
    expect((await reader.get('k'))?.equals(text(5000))).toBe(true)
    expect(await reader.keys().all()).toEqual(['k'])
    await using snapshot = reader.snapshot()
    expect(await reader.has('k', { snapshot })).toBe(true)
  })
})

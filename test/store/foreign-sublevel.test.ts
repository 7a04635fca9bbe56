import { describe, expect, it } from 'vitest'
import { memory, openStore, storedEntries } from '../support/memory-store.js'

const VALUE = Buffer.from('value')
const REFUSED = { code: 'LEVEL_NOT_SUPPORTED' }

async function foreigners() {
  const { store, backend } = await openStore()
  await store.put('marker is written', VALUE)
  const other = await openStore()
  const foreign = {
    'of the backend': backend.sublevel<string, Buffer>('x', { valueEncoding: 'buffer' }),
    'of another store': other.store.sublevel<string, Buffer>('x', { valueEncoding: 'buffer' }),
    'of another database': memory().sublevel<string, Buffer>('x', { valueEncoding: 'buffer' })
  }
  await Promise.all(Object.values(foreign).map(sublevel => sublevel.open()))
  return { store, backend, foreign }
}

describe.each(['of the backend', 'of another store', 'of another database'] as const)('a sublevel %s', which => {
  it.each(['put', 'del'] as const)('is refused in a batch, as a %s, and nothing is written', async type => {
    const { store, backend, foreign } = await foreigners()
    const before = await storedEntries(backend)
    const sublevel = foreign[which]
    const good = { type: 'put' as const, key: 'good', value: VALUE }
    const bad =
      type === 'put'
        ? { type: 'put' as const, key: 'k', value: VALUE, sublevel }
        : { type: 'del' as const, key: 'k', sublevel }
    await expect(store.batch([good, bad as never])).rejects.toMatchObject(REFUSED)
    const own = store.sublevel<string, Buffer>('own', { valueEncoding: 'buffer' })
    await own.open()
    await expect(own.batch([good, bad as never])).rejects.toMatchObject(REFUSED)
    expect(await storedEntries(backend)).toEqual(before)
  })

  it.each(['put', 'del'] as const)('is refused in a chained batch, as a %s, and nothing is written', async type => {
    const { store, backend, foreign } = await foreigners()
    const before = await storedEntries(backend)
    const sublevel = foreign[which] as never
    const batch = store.batch().put('good', VALUE)
    expect(() => (type === 'put' ? batch.put('k', VALUE, { sublevel }) : batch.del('k', { sublevel }))).toThrow(
      expect.objectContaining(REFUSED)
    )
    await batch.close()
    expect(await storedEntries(backend)).toEqual(before)
  })
})

describe('sublevels of the store', () => {
  it('are taken in batches, nested as well, and the store itself', async () => {
    const { store } = await openStore()
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    const nested = sub.sublevel<string, Buffer>('nested', { valueEncoding: 'buffer' })
    const sibling = store.sublevel<string, Buffer>('sibling', { valueEncoding: 'buffer' })
    await Promise.all([sub.open(), nested.open(), sibling.open()])
    await store.batch([
      { type: 'put', key: 'a', value: VALUE, sublevel: sub },
      { type: 'put', key: 'b', value: VALUE, sublevel: nested as never },
      { type: 'put', key: 'c', value: VALUE }
    ])
    await store
      .batch()
      .put('d', VALUE, { sublevel: sub as never })
      .put('e', VALUE, { sublevel: nested as never })
      .write()
    await sub.batch([
      { type: 'put', key: 'f', value: VALUE, sublevel: nested },
      { type: 'put', key: 'g', value: VALUE, sublevel: sibling as never },
      { type: 'del', key: 'a' }
    ])
    expect(await sub.keys().all()).toEqual(['!nested!b', '!nested!e', '!nested!f', 'd'])
    expect(await nested.keys().all()).toEqual(['b', 'e', 'f'])
    expect(await sibling.keys().all()).toEqual(['g'])
    expect(await store.get('c')).toEqual(VALUE)
  })
})

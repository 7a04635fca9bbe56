import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { failures } from '../support/failures.js'
import { type Backend, memory, openStore, type Store, storedEntries } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'

const VALUE = text(5000)
const BYTES = { valueEncoding: 'buffer' } as const

function storeOver(root: Backend, ...path: [string, ...string[]]): Store {
  // One object for each name on the way down: the path form would make a single one below the root.
  const level = path.reduce<object>((above, name) => (above as Backend).sublevel(name, BYTES), root)
  return new CompressedKvStore<string, Buffer>(level as Backend, BYTES)
}

/** A backend, open, that a store wrote to through its own sublevel 'x', and that no store holds any more. */
async function writtenThrough(): Promise<Backend> {
  const { store, backend } = await openStore()
  await store.sublevel<string, Buffer>('x', BYTES).put('k', VALUE)
  await store.close()
  await backend.open()
  return backend
}

describe('a sublevel of a database that a store has written to', () => {
  it.each([
    ['the same', ['x']],
    ['another', ['y']],
    ['one below', ['x', 'z']]
  ] as [string, [string]][])('%s: is not opened as a store of its own, and nothing is written', async (_, path) => {
    const backend = await writtenThrough()
    const before = await storedEntries(backend)
    const store = storeOver(backend, ...path)
    const put = store.put('k', VALUE)
    const [ofOpen, ofPut] = await failures([store.open(), put])
    expect(ofOpen).toMatchObject({ cause: { code: 'LEVEL_NOT_SUPPORTED' } })
    expect(ofPut).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    expect(store.status).toBe('closed')
    expect(await storedEntries(backend)).toEqual(before)
  })

  it('stays readable through the store', async () => {
    const backend = await writtenThrough()
    await storeOver(backend, 'x')
      .open()
      .catch(() => {})
    const { store } = await openStore({}, backend)
    expect((await store.sublevel<string, Buffer>('x', BYTES).get('k'))?.equals(VALUE)).toBe(true)
  })
})

describe('a sublevel of a database that no store has written to', () => {
  it('is wrapped beside others, closed and opened again', async () => {
    const root = memory()
    await root.put('plain', VALUE)
    const stores = [storeOver(root, 'x'), storeOver(root, 'y'), storeOver(root, 'z', 'z')]
    for (const store of stores) await store.put('k', VALUE)
    for (const store of stores) await store.close()
    for (const path of [['x'], ['y'], ['z', 'z']] as [string][]) {
      const store = storeOver(root, ...path)
      expect((await store.get('k'))?.equals(VALUE)).toBe(true)
      expect(await store.keys().all()).toEqual(['k'])
    }
    expect(await root.get('plain')).toEqual(VALUE)
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openStore, type Store } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'

const VALUE = text(2000)

/** Ways to write one value with options, each of which lets hooks add operations. */
const writes: Record<string, (level: Store, options: object) => Promise<void>> = {
  put: (level, options) => level.put('k', VALUE, options),
  'a batch': (level, options) => level.batch([{ type: 'put', key: 'k', value: VALUE }], options),
  'an operation of a batch': (level, options) => level.batch([{ type: 'put', key: 'k', value: VALUE, ...options }]),
  'a chained batch': (level, options) => level.batch().put('k', VALUE).write(options),
  'an operation of a chained batch': (level, options) => level.batch().put('k', VALUE, options).write()
}

const levels: Record<string, (store: Store) => Promise<Store>> = {
  'the store': async store => store,
  'a sublevel': store => sublevelOf(store),
  'a sublevel of a sublevel': async store => sublevelOf(await sublevelOf(store))
}

async function sublevelOf(level: Store): Promise<Store> {
  const sublevel = level.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' }) as unknown as Store
  await sublevel.open()
  return sublevel
}

/** Adds an entry of an index to every put. */
function addIndex(level: Store, options: object = {}): void {
  level.hooks.prewrite.add((operation, batch) => {
    if (operation.type === 'put') batch.add({ type: 'put', key: 'index', value: VALUE, ...options } as never)
  })
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

describe.each(Object.entries(writes))('what a hook adds to %s', (_, write) => {
  describe.each(Object.entries(levels))('of %s', (__, levelOf) => {
    it('has none of its options', async () => {
      const { store } = await openStore({ minSize: 0, codec: 'none' })
      const level = await levelOf(store)
      addIndex(level)
      const told: number[] = []
      await write(level, { ttl: 1000, codec: 'lz4', onStored: (bytes: number) => void told.push(bytes) })
      expect(told).toHaveLength(1)
      expect(store.stats().written.byCodec).toMatchObject({ lz4: { values: 1 }, none: { values: 1 } })
      vi.advanceTimersByTime(1001)
      expect(await level.keys().all()).toEqual(['index'])
    })

    it('has options of its own', async () => {
      const { store } = await openStore()
      const level = await levelOf(store)
      const told: string[] = []
      addIndex(level, { onStored: () => void told.push('index') })
      await write(level, { onStored: () => void told.push('k') })
      expect(told).toEqual(['k', 'index'])
    })
  })
})

it.each(Object.entries(levels))(
  'an option that an operation of %s has as undefined is that of its batch',
  async (_, levelOf) => {
    const { store } = await openStore()
    const level = await levelOf(store)
    const mine = { type: 'put', value: VALUE, ttl: undefined } as const
    await level.batch([{ ...mine, key: 'a' }], { ttl: 1000 })
    await level
      .batch()
      .put('b', VALUE, { ttl: undefined })
      .write({ ttl: 1000 } as object)
    expect(await level.keys().all()).toEqual(['a', 'b'])
    vi.advanceTimersByTime(1001)
    expect(await level.keys().all()).toEqual([])
  }
)

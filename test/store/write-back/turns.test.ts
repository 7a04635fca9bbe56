import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Store, StoreOptions } from '../../support/logged-store.js'
import { openStore } from '../../support/memory-store.js'
import { LARGE, openWriteBack } from './write-back-store.js'

const KEYS = Array.from({ length: 300 }, (_, i) => `k${i}`)
const VALUE = Buffer.from('value')

/** Whoever looks at the clock finds that a long time has gone by. */
beforeEach(() => {
  let now = 1
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 100))
})
afterEach(() => void vi.restoreAllMocks())

/** How often the event loop had its turn while `work` ran. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  const count = () => {
    turns++
    timer = setImmediate(count)
  }
  let timer = setImmediate(count)
  await work()
  clearImmediate(timer)
  return turns
}

it('a flush of deleted keys lets the event loop run between them', async () => {
  const { store } = await openWriteBack({}, undefined, LARGE)
  await Promise.all(KEYS.map(key => store.del(key)))
  expect(await turnsDuring(() => store.flush())).toBeGreaterThan(KEYS.length / 3)
  await store.close()
})

it('a flush that looks for small values, for a given dictionary, and finds none lets the event loop run as well', async () => {
  const turns = async (options: StoreOptions) => {
    const { store } = await openWriteBack(options, undefined, LARGE)
    await Promise.all(KEYS.map(key => store.put(key, VALUE)))
    const found = await turnsDuring(() => store.flush())
    await store.close()
    return found
  }
  const without = await turns({})
  expect(await turns({ dictionary: Buffer.from('a dictionary') })).toBeGreaterThan(without + KEYS.length / 3)
})

it('reading what only tables have lets the event loop run', async () => {
  const { store } = await openWriteBack({}, undefined, LARGE)
  await Promise.all(KEYS.map(key => store.put(key, VALUE)))
  const iterator = store.iterator()
  const read = async () => {
    let count = 0
    for (let found = await iterator.nextv(2); found.length > 0; found = await iterator.nextv(2)) count += found.length
    expect(count).toBe(KEYS.length)
  }
  expect(await turnsDuring(read)).toBeGreaterThan(KEYS.length / 6)
  await iterator.close()
  await store.close()
})

it.each<[string, (store: Store, key: string) => Promise<unknown>]>([
  ['get', (store, key) => store.get(key)],
  ['get with options', (store, key) => store.get(key, { valueEncoding: 'buffer' })],
  ['getMany', (store, key) => store.getMany([key])],
  ['has', (store, key) => store.has(key)],
  ['hasMany', (store, key) => store.hasMany([key])]
])('%s, each after the one before, lets the event loop run where only tables are asked', async (_, read) => {
  const { store } = await openWriteBack({}, undefined, LARGE)
  await Promise.all(KEYS.map(key => store.put(key, VALUE)))
  const readAll = async () => {
    for (const key of KEYS) expect(await read(store, key)).not.toBe(undefined)
  }
  expect(await turnsDuring(readAll)).toBeGreaterThan(KEYS.length / 3)
  await store.close()
})

it('gets of a cached value, each after the one before, let the event loop run', async () => {
  const { store } = await openStore({ cacheBytes: 10_000 })
  await store.put('k', VALUE)
  await store.get('k')
  const readOften = async () => {
    for (let i = 0; i < 300; i++) expect(await store.get('k')).toEqual(VALUE)
  }
  expect(await turnsDuring(readOften)).toBeGreaterThan(100)
  await store.close()
})

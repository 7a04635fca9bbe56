import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { none } from '../../../src/codec/none.js'
import { type Gc, NoGc } from '../../../src/index.js'
import { bareEntries, type Mode, MODES, openAfterKill, openMode } from '../../support/gc-store.js'
import type { Store } from '../../support/logged-store.js'
import { noise, text } from '../../support/sample-values.js'

const START = 1_700_000_000_000
const OLD = Buffer.from('old')

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: START }))
afterEach(() => void vi.useRealTimers())

const at = (ms: number) => vi.setSystemTime(START + ms)

/** 'b' and 'e' expire after a second; 'b' shadows an older value, 'e' is large. */
async function prepared(mode: Mode, flushed: boolean, cacheBytes = flushed ? 1 << 20 : 0) {
  const opened = await openMode(mode, undefined, { cacheBytes })
  const { store } = opened
  for (const key of 'abcd') await store.put(key, OLD)
  await store.flush()
  await store.put('b', text(2000), { ttl: 1000 })
  await store.put('e', noise(100_000), { ttl: 1000 })
  if (flushed) await store.flush()
  return opened
}

/** The keys that every way of reading shows. */
async function visible(store: Store): Promise<string> {
  const all = 'abcde'.split('')
  const ways: Record<string, string[]> = {
    get: [],
    getSync: [],
    has: [],
    getMany: [],
    hasMany: [],
    keys: await store.keys().all(),
    iterator: (await store.iterator().all()).map(([key]) => key),
    reverse: (await store.keys({ reverse: true }).all()).toReversed(),
    nextv: await (async () => {
      const iterator = store.keys()
      const found: string[] = []
      for (let some = await iterator.nextv(2); some.length > 0; some = await iterator.nextv(2)) found.push(...some)
      return found
    })()
  }
  for (const key of all) {
    if ((await store.get(key)) !== undefined) ways.get!.push(key)
    if (store.getSync(key) !== undefined) ways.getSync!.push(key)
    if (await store.has(key)) ways.has!.push(key)
  }
  const many = await store.getMany(all)
  const there = await store.hasMany(all)
  ways.getMany = all.filter((_, i) => many[i] !== undefined)
  ways.hasMany = all.filter((_, i) => there[i])
  const shown = new Set(Object.values(ways).map(keys => keys.join('')))
  expect([...shown], `shown: ${JSON.stringify(ways)}`).toHaveLength(1)
  const [keys] = shown
  expect((await store.values().all()).length).toBe(keys!.length)
  for (let limit = 0; limit <= keys!.length + 1; limit++) {
    expect((await store.keys({ limit }).all()).join('')).toBe(keys!.slice(0, limit))
    expect((await store.values({ limit, reverse: true }).all()).length).toBe(Math.min(limit, keys!.length))
  }
  return keys!
}

describe.each(MODES)('a %s store: what has expired', mode => {
  it.each([false, true])(
    'is gone at once for every read, and shadows what was there before (flushed: %s)',
    async flushed => {
      const { store } = await prepared(mode, flushed)
      expect(await visible(store)).toBe('abcde')
      at(999)
      expect(await visible(store)).toBe('abcde')
      at(1000)
      expect(await visible(store)).toBe('acd')
      await store.gc.run({ policy: new NoGc() })
      expect(await visible(store)).toBe('acd')
      await store.flush()
      await store.gc.run({ policy: new NoGc() })
      expect(await visible(store)).toBe('acd')
      await store.close()
    }
  )

  it('is there again while the clock has stepped back, unless a sweep came by', async () => {
    const opened = await prepared(mode, true, 0)
    const { store, backend } = opened
    at(2000)
    expect(await visible(store)).toBe('acd')
    at(500)
    expect(await visible(store)).toBe('abcde')
    await store.gc.run({ policy: new NoGc() })
    expect((await bareEntries(backend)).length).toBe(5)
    at(1_000_000)
    expect(await visible(store)).toBe('acd')
    await store.gc.run({ policy: new NoGc() })
    expect((await bareEntries(backend)).map(([key]) => key)).toEqual(['a', 'c', 'd'])
    at(500)
    expect(await visible(store)).toBe('acd') // The older 'b' does not rise.
    const after = await openAfterKill(opened)
    expect(await visible(after.store)).toBe('acd')
    await Promise.all([store.close(), after.store.close()])
  })

  it('is put again meanwhile, and stays', async () => {
    const { store } = await prepared(mode, true)
    at(1000)
    const sweeping = store.gc.run({ policy: new NoGc() })
    const putting = store.put('b', OLD)
    await Promise.all([sweeping, putting])
    expect(await visible(store)).toBe('abcd')
    await store.flush()
    await store.gc.run({ policy: new NoGc() })
    expect(await visible(store)).toBe('abcd')
    await store.close()
  })

  it('may be one of a batch, or of a sublevel', async () => {
    const { store, backend } = await openMode(mode)
    const sublevel = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    await store.batch([
      { type: 'put', key: 'a', value: OLD, ttl: 1000 },
      { type: 'put', key: 'b', value: OLD },
      { type: 'put', key: 'c', value: OLD, ttl: 5000, sublevel }
    ])
    await store.batch().put('d', OLD, { ttl: 1000 }).put('e', OLD).write()
    await sublevel.put('f', OLD, { ttl: 1000 })
    await sublevel.batch(
      [
        { type: 'put', key: 'g', value: OLD },
        { type: 'put', key: 'h', value: OLD }
      ],
      { ttl: 1000 }
    )
    await store.flush()
    at(1000)
    expect(await sublevel.keys().all()).toEqual(['c'])
    expect((await store.keys({ gte: 'a' }).all()).join('')).toBe('be')
    expect(await store.gc.run({ policy: new NoGc() })).toMatchObject({ scanned: 8, expired: 5 })
    expect((await bareEntries(backend)).map(([key]) => key)).toEqual(['!sub!c', 'b', 'e'])
    at(5000)
    expect(await sublevel.has('c')).toBe(false)
    await store.close()
  })

  it('is absolute: another process sees it expire at the same moment, and a rewrite does not prolong it', async () => {
    const opened = await openMode(mode)
    await opened.store.put('b', text(5000), { ttl: 1000, codec: 'none' })
    await opened.store.put('c', noise(5000), { ttl: 1000, codec: 'none' })
    await opened.store.put('d', text(5000), { ttl: 1000, codec: 'zstd' })
    at(900)
    expect(await opened.store.gc.run()).toMatchObject({ recompressed: 1, probed: 1 })
    const unpackD: Gc = {
      process: async value =>
        String(value.key) === 'd'
          ? { action: 'recompress', codec: none(), compressed: await value.raw() }
          : { action: 'keep' }
    }
    expect(await opened.store.gc.run({ policy: unpackD })).toMatchObject({ recompressed: 1 })
    const { store } = await openAfterKill(opened)
    at(999)
    expect(await visible(store)).toBe('bcd')
    at(1000)
    expect(await visible(store)).toBe('')
    await Promise.all([store.close(), opened.store.close()])
  })
})

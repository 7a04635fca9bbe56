import { describe, expect, it, vi } from 'vitest'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { type Call, intercept, type Method, WRITES } from '../support/intercept.js'
import { contentsOf, logOn, memoryLevel, openLogged, powerCut } from '../support/logged-store.js'
import { type Backend, openStore, storedEntries } from '../support/memory-store.js'
import { MARKER_KEY } from '../support/reserved.js'

const SMALL = Buffer.from('small')
const KEYS = Array.from({ length: 2500 }, (_, i) => `k${String(i).padStart(4, '0')}`)

/** The calls that change a backend, from here on. */
function recorded(backend: Backend): Call[] {
  const calls: Call[] = []
  const methods: Method[] = [...WRITES, '_clear']
  intercept(backend, methods, call => {
    calls.push(call)
    return call.proceed()
  })
  return calls
}

async function filledStore() {
  const opened = await openStore()
  await opened.store.batch(KEYS.map(key => ({ type: 'put', key, value: SMALL })))
  return { ...opened, calls: recorded(opened.backend) }
}

describe('clear with sync', () => {
  it('reaches the backend as synced batches of deletes, and leaves reserved keys', async () => {
    const { store, backend, calls } = await filledStore()
    await store.clear({ sync: true })
    expect(new Set(calls.map(({ method }) => method))).toEqual(new Set(['_batch']))
    for (const { args } of calls) expect(args[1]).toMatchObject({ sync: true })
    const deleted = calls.flatMap(({ args }) => args[0] as { type: string; key: Uint8Array }[])
    expect(new Set(deleted.map(({ type }) => type))).toEqual(new Set(['del']))
    expect(deleted.map(({ key }) => String(key))).toEqual(KEYS)
    expect((await storedEntries(backend)).map(([key]) => key)).toEqual([MARKER_KEY.toString('hex')])
    expect(await store.keys().all()).toEqual([])
  })

  it('deletes a range alone', async () => {
    const { store, calls } = await filledStore()
    await store.clear({ sync: true, gte: 'k0001', lt: 'k2499' })
    expect(await store.keys().all()).toEqual(['k0000', 'k2499'])
    expect(new Set(calls.map(({ method }) => method))).toEqual(new Set(['_batch']))
  })

  it('counts a limit, from the end if reverse', async () => {
    const { store, calls } = await filledStore()
    await store.clear({ sync: true, limit: 2498, reverse: true })
    expect(await store.keys().all()).toEqual(['k0000', 'k0001'])
    for (const { args } of calls) expect(args[1]).toMatchObject({ sync: true })
  })

  it('reaches the backend through a sublevel as well', async () => {
    const { store, calls } = await filledStore()
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    await sub.batch(['a', 'b'].map(key => ({ type: 'put', key, value: SMALL })))
    calls.length = 0
    await sub.clear({ sync: true })
    expect(await sub.keys().all()).toEqual([])
    expect((await store.keys().all()).length).toBe(KEYS.length)
    expect(calls.map(({ method }) => method)).toEqual(['_batch'])
    expect(calls[0]!.args[1]).toMatchObject({ sync: true })
  })
})

it('clear without sync asks the backend for no sync', async () => {
  const { store, backend, calls } = await filledStore()
  await store.clear()
  for (const { args } of calls) expect(args.at(-1)).not.toMatchObject({ sync: true })
  expect((await storedEntries(backend)).map(([key]) => key)).toEqual([MARKER_KEY.toString('hex')])
})

/** How many entries the first iterator that is made from here on takes from the backend, and in how many calls. */
function takenFrom(backend: Backend): { entries: number; calls: number } {
  type Nextv = (size: number, options: object) => Promise<unknown[]>
  const target = backend as unknown as { _iterator(options: object): { _nextv: Nextv } }
  const make = target._iterator.bind(target)
  const taken = { entries: 0, calls: 0 }
  target._iterator = options => {
    target._iterator = make
    const iterator = make(options)
    const nextv: Nextv = iterator._nextv.bind(iterator)
    iterator._nextv = async (size, given) => {
      const fetched = await nextv(size, given)
      taken.calls++
      taken.entries += fetched.length
      return fetched
    }
    return iterator
  }
  return taken
}

it('a limited clear takes no more entries from the backend than it deletes', async () => {
  const { store, backend } = await filledStore()
  const taken = takenFrom(backend)
  for (const limit of [0, 3]) await store.clear({ limit })
  expect(taken).toEqual({ entries: 3, calls: 1 })
  expect((await store.keys({ limit: 1 }).all())[0]).toBe('k0003')
})

it('a limited clear takes entries that do not count, since they have expired, many at once', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    const { store, backend } = await openStore()
    const put = (key: string, ttl: number) => ({ type: 'put' as const, key, value: SMALL, ttl })
    await store.batch(KEYS.map(key => put(key, key < 'k2000' ? 1000 : 10_000)))
    vi.setSystemTime(Date.now() + 1000)
    const taken = takenFrom(backend)
    await store.clear({ limit: 2 })
    expect(taken.calls).toBeLessThan(5)
    expect((await store.keys({ limit: 1 }).all())[0]).toBe('k2002')
  } finally {
    vi.useRealTimers()
  }
})

describe.each([{ memtable: {} }, { memtable: false }] as const)('clear with sync and a limit, with %j', options => {
  it('that finds nothing puts on stable storage the deletions by which nothing is left', async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs), memoryLevel(), options)
    await store.put('k', SMALL, { sync: true })
    await store.del('k')
    await store.clear({ limit: 1, sync: true })
    expect(await contentsOf(logOn(powerCut(fs, 'none')))).toEqual([])
    await store.close()
  })
})

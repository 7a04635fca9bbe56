import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MAX_FAILED_FLUSHES } from '../../../src/store/writing/admission.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failures } from '../../support/failures.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { failing, intercept, WRITES } from '../../support/intercept.js'
import { contents, killed, logOn, openLogged, type Store, type StoreOptions } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { MARKER_KEY } from '../../support/reserved.js'
import { text } from '../../support/sample-values.js'
import { track, turns } from '../../support/turns.js'
import { HeldCodec } from '../../support/user-codecs.js'
import {
  afterKill,
  BACKENDS,
  ENTRY_BYTES,
  holdWrites,
  keysIn,
  LARGE,
  manyPuts,
  NEVER,
  openWriteBack
} from './write-back-store.js'

const OLD = Buffer.from('old')
const NEW = Buffer.from('new')
const NO_SPACE = new Error('no space left')

/** A store with `old` in the backend, `new` in the table, and a backend that refuses every write. */
async function refused(backendOf: () => PermanentMemoryLevel, options: StoreOptions = {}) {
  const opened = await openWriteBack(options, backendOf())
  const { store, backend } = opened
  await store.put('old', OLD)
  await store.put('deleted', OLD)
  await store.flush()
  await store.put('new', NEW)
  await store.del('deleted')
  const errors: unknown[] = []
  store.on('flushError', ({ error }: { error: unknown }) => void errors.push(error))
  return { ...opened, errors, repair: failing(backend, [...WRITES, '_clear'], NO_SPACE) }
}

const INTERVAL_MS = 3

// The store's timers are those of node:timers, which fake ones do not replace.
vi.mock(import('node:timers'), async original => ({
  ...(await original()),
  setTimeout: ((callback: () => void, ms: number) => setTimeout(callback, ms)) as typeof setTimeout,
  clearTimeout: ((timer: NodeJS.Timeout) => clearTimeout(timer)) as typeof clearTimeout
}))

// The clock stands still: on a busy machine a flush would be due, or tried again, before a test got that far.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Lets time go by, an interval after the other, until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await vi.advanceTimersByTimeAsync(INTERVAL_MS)
}

/** As {@link until}, for what somebody waits for. */
async function inTime<T>(promise: Promise<T>): Promise<T> {
  const state = track(promise)
  await until(() => state.settled)
  return promise
}

const next = (store: Store, event: string) => new Promise<unknown>(resolve => void store.once(event, resolve))

describe.each(Object.entries(BACKENDS))('over %s', (_, anyBackend) => {
  const backendOf = anyBackend as () => PermanentMemoryLevel

  it('flush() rejects, everything stays readable, and it is told and counted', async () => {
    const { store, errors } = await refused(backendOf)
    await expect(store.flush()).rejects.toBe(NO_SPACE)
    expect(await contents(store)).toEqual([
      ['new', 'new'],
      ['old', 'old']
    ])
    expect(await store.getMany(['deleted', 'new'])).toEqual([undefined, NEW])
    expect(errors).toEqual([NO_SPACE])
    expect(store.stats().memtable).toMatchObject({ entries: 2, flushes: { failed: 1, lastError: NO_SPACE } })
  })

  it('flush() says why at once, also behind a write that is larger than all the room there is', async () => {
    const { store, backend } = await openWriteBack({ memtable: { ...NEVER, maxBytes: 1000 } }, backendOf())
    await store.put('old', OLD) // The marker is there from then on.
    await store.flush()
    failing(backend, WRITES, NO_SPACE)
    const put = store.put('large', text(5000))
    await expect(store.flush()).rejects.toBe(NO_SPACE)
    await put
    expect(store.stats().memtable!.flushes.failed).toBe(1)
  })

  it('flush() says why at once, also behind writes that need several flushes to have room', async () => {
    const { store, backend } = await openWriteBack({ memtable: { ...NEVER, maxBytes: 3 * ENTRY_BYTES } }, backendOf())
    const flushed = next(store, 'flush')
    const puts = Promise.all(manyPuts(store, 20))
    const outcome = store.flush().catch((error: unknown) => error)
    await flushed
    const repair = failing(backend, WRITES, NO_SPACE)
    expect(await outcome).toBe(NO_SPACE)
    expect(store.stats().memtable!.flushes.failed).toBe(1)
    repair()
    await inTime(puts)
  })

  it('later writes resolve while there is room, and a later flush() brings all of it', async () => {
    const opened = await refused(backendOf)
    const { store, backend, repair } = opened
    await expect(store.flush()).rejects.toBe(NO_SPACE)
    await store.put('later', NEW)
    await store.clear({ gte: 'old' })
    await expect(store.flush()).rejects.toBe(NO_SPACE)
    await store.put('old', NEW)
    expect(await store.keys().all()).toEqual(['later', 'new', 'old'])
    expect(await contents(await afterKill(opened))).toEqual(await contents(store))
    repair()
    await store.flush()
    expect(await keysIn(backend)).toEqual(['later', 'new', 'old'])
    expect(store.stats().memtable).toMatchObject({ entries: 0, frozen: 0, flushes: { failed: 2 } })
    expect(await store.get('old')).toEqual(NEW)
  })

  it('a flush that failed is tried again in the background', async () => {
    const { store, backend, repair, errors } = await refused(backendOf, {
      memtable: { flushIntervalMs: INTERVAL_MS }
    })
    await until(() => errors.length >= 3)
    const flushed = next(store, 'flush')
    repair()
    await inTime(flushed)
    expect(await keysIn(backend)).toEqual(['new', 'old'])
  })

  it('what becomes due while a flush that had failed is made by hand is flushed as well', async () => {
    const flushBytes = 4 * (ENTRY_BYTES + 10)
    const { store, backend, repair } = await refused(backendOf, { memtable: { ...NEVER, flushBytes } })
    const failed = next(store, 'flushError')
    await Promise.all(manyPuts(store, 4))
    await failed
    await turns()
    repair()
    const gate = holdWrites(backend)
    const flushed = store.flush()
    await gate.reached
    await store.clear({ gte: 'k', lt: 'l' })
    gate.open()
    await flushed
    await turns(50)
    expect(store.stats().memtable!.frozen).toBe(0)
    expect(await keysIn(backend)).toEqual(['new', 'old'])
  })

  it('one that fails for a moment turns away nobody who waits for room', async () => {
    const { store, backend, repair, errors } = await refused(backendOf, {
      memtable: { flushIntervalMs: INTERVAL_MS, maxBytes: 4 * (ENTRY_BYTES + 10) }
    })
    const puts = manyPuts(store, 20)
    const flushed = store.flush()
    await expect(flushed).rejects.toBe(NO_SPACE)
    await until(() => errors.length >= MAX_FAILED_FLUSHES - 1)
    repair()
    await inTime(Promise.all(puts))
    await store.flush()
    expect((await keysIn(backend)).length).toBe(22)
    expect(store.stats().memtable!.flushes.failed).toBe(MAX_FAILED_FLUSHES - 1)
  })

  it('and failures do not add up over flushes that succeed between', async () => {
    const memtable = { flushIntervalMs: INTERVAL_MS, maxBytes: 4 * (ENTRY_BYTES + 10) }
    const { store, backend } = await openWriteBack({ memtable }, backendOf())
    await store.put('k0', OLD) // The marker is there from then on.
    let calls = 0
    const restore = intercept(backend, WRITES, ({ proceed }) =>
      ++calls % 2 === 1 ? Promise.reject(NO_SPACE) : proceed()
    )
    await inTime(Promise.all(manyPuts(store, 100)))
    restore()
    await store.flush()
    expect(store.stats().memtable!.flushes.failed).toBeGreaterThan(MAX_FAILED_FLUSHES)
    expect((await keysIn(backend)).length).toBe(100)
  })

  it('sync() waits for a value being compressed, also when others are turned away meanwhile, and try again', async () => {
    const codec = new HeldCodec()
    const memtable = { flushIntervalMs: INTERVAL_MS, maxBytes: 75_000 }
    const { store } = await refused(backendOf, { memtable, codec })
    const large = track(store.put('large', text(70_000)))
    const put = () => store.put('waits', text(10_000))
    const waiting = put().catch(() => put()) // It waits again before sync() has heard of the first failure.
    const synced = store.sync().then(() => large.settled)
    expect(await inTime(failures([waiting]))).toMatchObject([{ code: 'CKV_BUSY' }])
    await turns()
    codec.open()
    expect(await synced).toBe(true)
  })

  it('one that goes on failing turns away who waits for room, and nothing of theirs is logged', async () => {
    const maxBytes = 4 * (ENTRY_BYTES + 10)
    const opened = await refused(backendOf, { memtable: { flushIntervalMs: INTERVAL_MS, maxBytes } })
    const { store, repair } = opened
    const fits = store.put('fits', NEW)
    const waiting = [
      store.put('waits', text(700)),
      store.put('large', text(200_000)),
      store.batch([{ type: 'put', key: 'fits', value: text(700) }]),
      store.del('new'),
      store.clear(),
      store.clear({ limit: 1 })
    ]
    const [flushed, ...turnedAway] = await inTime(failures([store.flush(), ...waiting]))
    expect(flushed).toBe(NO_SPACE)
    for (const failure of turnedAway) expect(failure).toMatchObject({ code: 'CKV_BUSY', cause: NO_SPACE })
    await fits
    const expected = [
      ['fits', 'new'],
      ['new', 'new'],
      ['old', 'old']
    ]
    expect(await contents(store)).toEqual(expected)
    expect(await contents(await afterKill(opened))).toEqual(expected)
    expect(store.stats().writes.pending).toBe(0)
    repair()
    await store.flush()
    await store.put('waits', text(700))
    expect((await store.keys().all()).length).toBe(4)
  })

  it('writes go on by themselves when the backend takes what it refused', async () => {
    const memtable = { flushIntervalMs: INTERVAL_MS, maxBytes: 2 * (ENTRY_BYTES + 10) }
    const { store, repair } = await refused(backendOf, { memtable })
    const puts = Promise.all([store.put('a', NEW), store.put('b', NEW)])
    await expect(inTime(puts)).rejects.toMatchObject({ cause: NO_SPACE })
    const flushed = next(store, 'flush')
    repair()
    await inTime(flushed)
    await Promise.all(['c', 'd', 'e', 'f'].map(key => store.put(key, NEW)))
    expect((await store.keys({ gte: 'c', lt: 'g' }).all()).length).toBe(4)
  })

  it('close() resolves, and the next open replays', async () => {
    const { store, backend, fs, repair, errors } = await refused(backendOf)
    const puts = [store.put('large', text(100_000)), store.put('new', Buffer.from('newer'))]
    await store.close()
    await Promise.all(puts)
    expect(errors).toEqual([NO_SPACE])
    expect(store.status).toBe('closed')
    expect(backend.status).toBe('closed')
    repair()
    const reopened = await openLogged(logOn(fs), backend, { memtable: NEVER })
    expect(await reopened.keys().all()).toEqual(['large', 'new', 'old'])
    expect(await reopened.get('new')).toEqual(Buffer.from('newer'))
  })

  it('close() resolves also while writers wait for room, and turns them away when a flush fails once more', async () => {
    const { store, backend, fs, repair, errors } = await refused(backendOf, {
      memtable: { flushIntervalMs: INTERVAL_MS, maxBytes: 2 * (ENTRY_BYTES + 10) }
    })
    const puts = Promise.allSettled(['a', 'b', 'c'].map(key => store.put(key, NEW)))
    await store.close()
    const accepted = (await puts).filter(({ status }) => status === 'fulfilled').length
    expect(errors.length).toBeLessThan(MAX_FAILED_FLUSHES)
    repair()
    const reopened = await openLogged(logOn(fs), backend, { memtable: NEVER })
    expect((await reopened.keys().all()).length).toBe(2 + accepted)
  })

  it('close() waits for a value being compressed, also when others are turned away meanwhile', async () => {
    const codec = new HeldCodec()
    const memtable = { ...NEVER, maxBytes: 70_000 + 4 * ENTRY_BYTES }
    const { store, backend, fs } = await openWriteBack({ memtable, codec }, backendOf())
    const flushed = next(store, 'flush')
    const large = store.put('large', text(70_000))
    const puts = failures(manyPuts(store, 20))
    const close = store.close()
    const closed = track(close)
    await flushed
    const repair = failing(backend, WRITES, NO_SPACE)
    expect((await inTime(puts)).at(-1)).toMatchObject({ code: 'CKV_BUSY' })
    await turns()
    expect(closed.settled).toBe(false)
    codec.open()
    await Promise.all([large, close])
    repair()
    const reopened = await openLogged(logOn(fs), backend, { memtable: NEVER })
    expect(await reopened.has('large')).toBe(true)
  })

  it('a flush that fails midway is done again from its beginning', async () => {
    const { store, backend } = await openWriteBack({ codec: 'none' }, backendOf())
    await store.put('k0', NEW)
    await store.flush()
    for (let i = 0; i < 5; i++) await store.put(`k${i}`, text(600_000))
    await store.del('k1')
    let calls = 0
    const restore = intercept(backend, WRITES, ({ proceed }) => (++calls === 3 ? Promise.reject(NO_SPACE) : proceed()))
    await expect(store.flush()).rejects.toBe(NO_SPACE)
    expect(await store.keys().all()).toEqual(['k0', 'k2', 'k3', 'k4'])
    restore()
    await store.put('k2', NEW)
    await store.flush()
    expect(await keysIn(backend)).toEqual(['k0', 'k2', 'k3', 'k4'])
    expect(await store.get('k2')).toEqual(NEW)
    expect((await store.get('k4'))!.length).toBe(600_000)
  })

  it.each([
    ['only the marker is', MARKER_KEY],
    ['an entry is', Buffer.from('k')]
  ])('where %s refused, leaves no batch open in the backend', async (__, refusedKey) => {
    const { store, backend } = await openWriteBack({}, backendOf())
    await store.put('k', NEW)
    const refuse = ({ key }: { key: unknown }) => {
      if (refusedKey.equals(key as Buffer)) throw NO_SPACE
    }
    ;(backend as PermanentMemoryLevel).hooks.prewrite.add(refuse)
    const opened = vi.spyOn(backend, 'attachResource')
    const closed = vi.spyOn(backend, 'detachResource')
    await expect(store.flush()).rejects.toMatchObject({ code: 'LEVEL_HOOK_ERROR', cause: NO_SPACE })
    expect(opened).toHaveBeenCalledTimes(1)
    expect(closed).toHaveBeenCalledTimes(1)
  })

  it.each([1, 2, 3])('where chunk %i of three is refused, leaves no batch open in the backend', async refusedOne => {
    const { store, backend } = await openWriteBack({}, backendOf())
    await store.batch(Array.from({ length: 2500 }, (__, i) => ({ type: 'put' as const, key: `k${i}`, value: NEW })))
    let calls = 0
    intercept(backend, ['_batch'], ({ proceed }) => (++calls === refusedOne ? Promise.reject(NO_SPACE) : proceed()))
    const opened = vi.spyOn(backend, 'attachResource')
    const closed = vi.spyOn(backend, 'detachResource')
    await expect(store.flush()).rejects.toBe(NO_SPACE)
    await turns(10)
    expect(closed).toHaveBeenCalledTimes(opened.mock.calls.length)
  })

  it('a listener that throws does no harm', async () => {
    const { store, repair } = await refused(backendOf)
    store.on('flushError', () => {
      throw new Error('from a listener')
    })
    await expect(store.flush()).rejects.toBe(NO_SPACE)
    repair()
    await store.flush()
    expect(await store.get('new')).toEqual(NEW)
  })
})

it('the backend is never ahead of the log: a flush whose log cannot be synced fails, and nothing more is written', async () => {
  const disk = new CrashableFileSystem()
  const fs = new FaultyFileSystem(disk)
  const backend = new PermanentMemoryLevel()
  const store = await openLogged(logOn(fs), backend, { memtable: NEVER })
  await store.put('first', OLD)
  await store.flush()
  await store.put('k', NEW)
  const { length } = backend.disk.batches
  let told = 0
  store.on('flushError', () => void told++)
  fs.fail('sync', { code: 'EIO', times: Infinity })
  await expect(store.flush()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
  expect(backend.disk.batches.length).toBe(length)
  expect(await store.get('k')).toEqual(NEW)
  await expect(store.put('l', NEW)).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
  await expect(store.clear()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
  await expect(store.flush()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
  expect(store.stats().writes.pending).toBe(0)
  expect(told).toBe(1)
  await store.close()
  expect(told).toBe(1)
  const reopened = await openLogged(logOn(killed(disk)), new PermanentMemoryLevel(backend.disk.clone()), {
    memtable: NEVER
  })
  expect(await reopened.keys().all()).toEqual(['first', 'k'])
})

it('writers that go on after a log was poisoned are refused, also those for whom there is no room', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const memtable = { ...NEVER, flushBytes: 4000, maxBytes: 8000 }
  const store = await openLogged(logOn(fs, LARGE), new PermanentMemoryLevel(), { memtable })
  await store.put('first', OLD)
  fs.fail('sync', { code: 'EIO', times: Infinity })
  const outcomes: string[] = []
  const write = async (writer: string) => {
    for (let i = 0; i < 20; i++) {
      const put = store.put(`${writer}${i}`, Buffer.alloc(1500))
      outcomes.push(
        await put.then(
          () => 'done',
          ({ code }: { code: string }) => code
        )
      )
    }
  }
  await Promise.all([write('a'), write('b')])
  expect(outcomes.lastIndexOf('done')).toBeLessThan(10)
  expect(outcomes.at(-1)).toBe('LEVEL_IO_ERROR')
  expect(store.stats().writes.pending).toBe(0)
  await store.close()
})

it('a log that has no space refuses writes of every kind, holds no room for them, and goes on when it has', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const memtable = { ...NEVER, maxBytes: 1000 }
  const store = await openLogged(logOn(fs), new PermanentMemoryLevel(), { memtable })
  await store.put('first', OLD)
  const stop = fs.fail('write', { code: 'ENOSPC', times: Infinity })
  const refusals = [
    ...manyPuts(store, 20),
    store.clear(),
    store.clear({ limit: 1 }),
    store.put('large', text(100_000)),
    store.batch([{ type: 'put', key: 'batch', value: NEW }])
  ]
  const results = await Promise.allSettled(refusals)
  expect(results.every(result => result.status === 'rejected' && result.reason.code === 'ENOSPC')).toBe(true)
  expect(store.stats().writes.pending).toBe(0)
  expect(await store.keys().all()).toEqual(['first'])
  stop()
  await Promise.all(manyPuts(store, 20))
  await store.flush()
  expect((await store.keys().all()).length).toBe(21)
})

it('a backend that is closed under the store: the store closes, and the next open has everything', async () => {
  const { store, backend, fs } = await openWriteBack({}, new PermanentMemoryLevel())
  await store.put('a', OLD)
  await store.flush()
  const puts = [store.put('b', NEW), store.put('large', text(200_000))]
  await backend.close()
  expect((await Promise.allSettled(puts)).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
  expect(store.status).toBe('closed')
  await turns()
  const { disk } = backend as PermanentMemoryLevel
  const reopened = await openLogged(logOn(fs), new PermanentMemoryLevel(disk), { memtable: NEVER })
  expect(await reopened.keys().all()).toEqual(['a', 'b', 'large'])
})

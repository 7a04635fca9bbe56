import { describe, expect, it, vi } from 'vitest'
import { MAX_ANSWER_MS } from '../../../src/gc/decisions.js'
import { type Gc, type GcReport, Lz4Gc, NoGc, type StoredValue, ZstdGc } from '../../../src/index.js'
import { resource } from '../../../src/store/backend/resource.js'
import { EVENTUALLY } from '../../support/eventually.js'
import { Gate } from '../../support/gate.js'
import { Counted, filled, markerIn, MODES, openAfterKill, openMode, type Sweepable } from '../../support/gc-store.js'
import { failing, intercept, WRITES } from '../../support/intercept.js'
import { contents, type Store } from '../../support/logged-store.js'
import { text } from '../../support/sample-values.js'
import { track, turns } from '../../support/turns.js'

const VALUE = Buffer.from('v')
const nameOf = (i: number) => `k${String(i).padStart(4, '0')}`

async function fill(store: Store, count: number, value: Buffer = VALUE) {
  await Promise.all(Array.from({ length: count }, (_, i) => store.put(nameOf(i), value)))
  await store.flush()
}

/** What a policy of that name is shown. */
class Spy implements Gc {
  readonly keys: string[] = []
  readonly id?: string

  constructor(id: string | undefined = 'spy') {
    if (id !== '') this.id = id
  }

  process({ key }: StoredValue) {
    this.keys.push(key.toString())
    return { action: 'keep' } as const
  }
}

/** Stops behind the first chunk, of 256 entries. */
async function interrupted(store: Store, policy: Gc) {
  const stop = new AbortController()
  const report = await store.gc.run({ policy, signal: stop.signal, onProgress: () => stop.abort() })
  expect(report).toMatchObject({ complete: false, scanned: 256 })
  return report
}

describe.each(MODES)('a sweep of a %s store that was stopped behind a chunk', mode => {
  it('is gone on with there, by the same policy', async () => {
    const { store } = await openMode(mode)
    await fill(store, 600)
    await interrupted(store, new Spy())
    const policy = new Spy()
    expect(await store.gc.run({ policy })).toMatchObject({ complete: true, resumed: true, scanned: 344 })
    expect(policy.keys[0]).toBe(nameOf(256))
    expect(await store.gc.run({ policy: new Spy() })).toMatchObject({ complete: true, resumed: false, scanned: 600 })
    await store.close()
  })

  it('begins anew for another policy, for one without a name, and where that is asked for', async () => {
    const { store } = await openMode(mode)
    await fill(store, 300)
    for (const [policy, options] of [
      [new Spy('other'), {}],
      [new Spy(''), {}],
      [new Spy(), { force: true }]
    ] as const) {
      await interrupted(store, new Spy())
      expect(await store.gc.run({ policy, ...options })).toMatchObject({ resumed: false, scanned: 300 })
    }
    await interrupted(store, new ZstdGc({ level: 3 }))
    expect(await store.gc.run({ policy: new ZstdGc({ level: 4 }) })).toMatchObject({ resumed: false, scanned: 300 })
    await store.close()
  })

  it('is not gone on with by a policy without a name', async () => {
    const { store } = await openMode(mode)
    await fill(store, 300)
    await interrupted(store, new Spy(''))
    expect(await store.gc.run({ policy: new Spy('') })).toMatchObject({ resumed: false, scanned: 300 })
    await store.close()
  })

  it('goes on after a close, and after a kill', async () => {
    const opened = await openMode(mode)
    await fill(opened.store, 600)
    await interrupted(opened.store, new Lz4Gc())
    const other = await openAfterKill(opened)
    expect(await other.store.gc.run({ policy: new NoGc() })).toMatchObject({ resumed: false, scanned: 600 })
    await other.store.close()
    const killed = await openAfterKill(opened)
    expect(await killed.store.gc.run({ policy: new Lz4Gc() })).toMatchObject({ resumed: true, scanned: 344 })
    await killed.store.close()
    await opened.store.close()
    const { store } = await openMode(mode, opened.backend, {}, opened.fs)
    expect(await store.gc.run({ policy: new Lz4Gc() })).toMatchObject({ resumed: true, scanned: 344 })
    await store.close()
  })

  it('is remembered every 16 MiB, for the case of a kill', async () => {
    const opened = await openMode('write-through', undefined, { codec: 'none' })
    const { store } = opened
    const value = Buffer.alloc(1 << 20)
    for (let i = 0; i < 20; i++) await store.put(nameOf(i), value)
    const gate = new Gate()
    const policy: Gc = {
      id: 'p',
      process: async ({ key }) => {
        if (key.toString() === nameOf(18)) await gate.wait()
        return { action: 'keep' }
      }
    }
    const sweep = store.gc.run({ policy })
    await gate.reached
    const again = await openAfterKill(opened)
    const report = await again.store.gc.run({ policy: { ...policy, process: () => ({ action: 'keep' }) } })
    expect(report).toMatchObject({ resumed: true, complete: true })
    expect(report.scanned).toBeLessThan(10)
    gate.open()
    await sweep
    await store.close()
    await again.store.close()
  })

  it('remembers that a plain value was overtaken', async () => {
    const backend = await filled(Array.from({ length: 300 }, (_, i) => [nameOf(i), VALUE]))
    const { store, fs } = await openMode(mode, backend)
    await store.put('new', VALUE)
    await store.flush()
    const policy = {
      id: 'overtaken',
      process: async ({ key }: StoredValue) => {
        if (key.toString() === nameOf(3)) await store.put(nameOf(3), VALUE)
        return { action: 'keep' } as const
      }
    }
    expect(await interrupted(store, policy)).toMatchObject({ overtaken: 1 })
    await store.close()
    const again = await openMode(mode, backend, {}, fs)
    expect(await again.store.gc.run({ policy })).toMatchObject({ resumed: true, complete: true, overtaken: 0 })
    expect((await markerIn(backend))!.plainValues).toBe(true)
    await again.store.close()
  })
})

describe('force', () => {
  it('tries values again that were settled before', async () => {
    const { store } = await openMode('logged')
    await fill(store, 3, text(2000))
    const policy = new ZstdGc()
    expect(await store.gc.run({ policy })).toMatchObject({ recompressed: 0, probed: 3 })
    expect(await store.gc.run({ policy })).toMatchObject({ probed: 0 })
    expect(await store.gc.run({ policy, force: true })).toMatchObject({ recompressed: 0, probed: 3 })
    await store.close()
  })
})

describe('run', () => {
  it('with a signal that is aborted already does nothing', async () => {
    const { store } = await openMode('logged')
    await fill(store, 3)
    const policy = new Spy()
    expect(await store.gc.run({ policy, signal: AbortSignal.abort() })).toMatchObject({ scanned: 0, complete: false })
    expect(policy.keys).toEqual([])
    await store.close()
  })

  it.each([0, -1, NaN])('refuses %s bytes a second', async bytesPerSecond => {
    const { store } = await openMode('logged')
    await expect(store.gc.run({ bytesPerSecond })).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
    await store.close()
  })

  it.each([
    { policy: {} },
    { policy: null },
    { intervalMs: -1 },
    { intervalMs: 1.5 },
    { intervalMs: 2 ** 31 },
    { bytesPerSecond: 0 },
    { bytesPerSecond: NaN }
  ])('a store refuses the option gc: %j', async gc => {
    await expect(openMode('write-through', undefined, { gc: gc as object })).rejects.toMatchObject({
      code: 'CKV_INVALID_OPTION'
    })
  })

  it('twice at once does one after the other', async () => {
    const { store } = await openMode('logged')
    await fill(store, 300)
    const policies = [new Spy('one'), new Spy('two'), new Spy('three')]
    let running = 0
    const reports = await Promise.all(
      policies.map(policy =>
        store.gc.run({
          policy,
          onProgress: () => void (running += policies.filter(({ keys }) => keys.length % 300 > 0).length)
        })
      )
    )
    expect(reports.map(({ scanned, complete }) => [scanned, complete])).toEqual([
      [300, true],
      [300, true],
      [300, true]
    ])
    expect(running).toBe(3) // Each is alone when it is at its first chunk.
    expect(store.gc.isRunning).toBe(false)
    await store.close()
  })

  it('goes on after one before it failed', async () => {
    const { store, backend } = await openMode('write-through')
    await fill(store, 3)
    let isFirst = true
    intercept(backend, ['_iterator'], ({ proceed }) => {
      if (!isFirst) return proceed()
      isFirst = false
      throw new Error('unreadable')
    })
    const [first, second] = [store.gc.run(), store.gc.run()]
    await expect(first).rejects.toThrow('unreadable')
    await expect(second).resolves.toMatchObject({ scanned: 3 })
    await store.close()
  })

  it('tells how far it is, behind every chunk', async () => {
    const { store } = await openMode('logged')
    await fill(store, 600)
    const told: [number, string][] = []
    await store.gc.run({ onProgress: ({ scanned, lastKey }) => told.push([scanned, lastKey!.toString()]) })
    expect(told).toEqual([
      [256, nameOf(255)],
      [512, nameOf(511)],
      [600, nameOf(599)]
    ])
    await store.close()
  })

  it('keeps to its rate, and close does not wait for that', async () => {
    const { store } = await openMode('logged', undefined, { gc: { bytesPerSecond: 100_000 } })
    await fill(store, 10, text(900))
    const start = performance.now()
    const { bytesBefore } = await store.gc.run()
    const ms = performance.now() - start
    expect(ms).toBeGreaterThanOrEqual((bytesBefore / 100_000) * 1000 - 2)
    const chunk = new Gate()
    const slow = store.gc.run({ bytesPerSecond: 1, onProgress: () => void chunk.wait() })
    await chunk.reached
    await store.close() // At that rate it would take most of an hour.
    expect(await slow).toMatchObject({ complete: false, scanned: 10 })
  })

  it('lets others have their turn: writes go on during a sweep', async () => {
    const { store } = await openMode('write-back')
    await fill(store, 1500)
    const sweeping = track(store.gc.run())
    let during = 0
    while (!sweeping.settled) {
      await store.put(`new${during++}`, VALUE)
      if (during > 500_000) break
    }
    expect(during).toBeGreaterThan(3)
    expect(during).toBeLessThan(500_000)
    await store.close()
  })

  it('fails as the backend does, and the next one is complete', async () => {
    for (const mode of MODES) {
      const { store, backend } = await openMode(mode)
      for (let i = 0; i < 3; i++) await store.put(nameOf(i), text(3000), { codec: 'none' })
      await store.flush()
      const restore = failing(backend, WRITES, new Error('no room'))
      await expect(store.gc.run()).rejects.toThrow('no room')
      restore()
      expect(store.gc.isRunning).toBe(false)
      expect(await store.get(nameOf(1))).toEqual(text(3000))
      expect(await store.gc.run()).toMatchObject({ recompressed: 3, complete: true })
      expect(await store.get(nameOf(1))).toEqual(text(3000))
      await store.put(nameOf(1), VALUE)
      await store.close()
    }
  })
})

describe('in the background', () => {
  it.each(MODES)('a %s store sweeps every intervalMs, until stop() or close()', async mode => {
    const policy = new Counted()
    const { store } = await openMode(mode, undefined, { gc: { intervalMs: 2, policy } })
    await store.put('k', text(3000))
    await store.flush()
    await vi.waitFor(() => expect(policy.compressed).toBe(1), EVENTUALLY)
    await vi.waitFor(() => expect(policy.seen).toBeGreaterThan(2), EVENTUALLY)
    await store.gc.stop()
    const { seen } = policy
    await new Promise(resolve => setTimeout(resolve, 15))
    expect(policy.seen).toBe(seen)
    store.gc.start()
    await vi.waitFor(() => expect(policy.seen).toBeGreaterThan(seen), EVENTUALLY)
    await store.close()
    const atClose = policy.seen
    await new Promise(resolve => setTimeout(resolve, 15))
    expect(policy.seen).toBe(atClose)
  })

  it('start() needs an interval, and a second one replaces the first', async () => {
    const { store } = await openMode('logged')
    expect(() => store.gc.start()).toThrowError(expect.objectContaining({ code: 'CKV_INVALID_OPTION' }))
    for (const bad of [0, -1, NaN]) expect(() => store.gc.start(bad)).toThrow('gc.start()')
    const policy = new Counted()
    const timed = await openMode('logged', undefined, { gc: { policy } })
    await timed.store.put('k', VALUE)
    timed.store.gc.start(1)
    timed.store.gc.start(1_000_000)
    await new Promise(resolve => setTimeout(resolve, 10))
    expect(policy.seen).toBe(0)
    await Promise.all([store.close(), timed.store.close()])
  })

  it('a failure is an event, not an unhandled rejection, and the next sweep comes', async () => {
    const { store, backend } = await openMode('write-through')
    await store.put('k', text(3000), { codec: 'none' })
    const told: unknown[] = []
    store.on('gcError', ({ error }: { error: unknown }) => told.push(error))
    const restore = failing(backend, WRITES, new Error('no room'))
    store.gc.start(1)
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(1), EVENTUALLY)
    restore()
    await vi.waitFor(() => expect(store.gc.lastReport).toMatchObject({ complete: true }), EVENTUALLY)
    await store.close()
  })

  it('a store that takes long to close reports no failure', async () => {
    const { store } = await openMode('write-through', undefined, { gc: { intervalMs: 1 } })
    const told: unknown[] = []
    store.on('gcError', ({ error }: { error: unknown }) => told.push(error))
    const held = new Gate()
    store.attachResource(resource(() => held.wait()))
    const closing = store.close()
    await new Promise(resolve => setTimeout(resolve, 15))
    held.open()
    await closing
    expect(told).toEqual([])
  })

  it('nor does one whose backend is closed, which closes what a sweep reads with first', async () => {
    const { store, backend } = await openMode('write-through')
    await fill(store, 100)
    const told: unknown[] = []
    store.on('gcError', ({ error }: { error: unknown }) => told.push(error))
    const held = new Gate()
    intercept(backend, ['_iterator'], ({ proceed }) => {
      const made = proceed() as unknown as { _nextv: (...args: unknown[]) => Promise<unknown> }
      const nextv = made._nextv.bind(made)
      made._nextv = (...args) => held.wait().then(() => nextv(...args))
      return made as unknown as Promise<unknown>
    })
    store.gc.start(1)
    await held.reached
    const closing = backend.close()
    await turns()
    held.open()
    await closing
    expect([store.status, told]).toEqual(['closed', []])
  })

  it('a store that is opened again sweeps again', async () => {
    const policy = new Counted()
    const { store } = await openMode('write-through', undefined, { gc: { intervalMs: 1, policy } })
    await store.put('k', VALUE)
    await store.close()
    const { seen } = policy
    await store.open()
    await vi.waitFor(() => expect(policy.seen).toBeGreaterThan(seen), EVENTUALLY)
    await store.close()
  })
})

const ENDED = 'early, or with a typed error'

function endOf(outcome: PromiseSettledResult<GcReport>): string {
  if (outcome.status === 'fulfilled') return outcome.value.complete ? 'complete' : ENDED
  const { code } = outcome.reason as { code?: string }
  return code?.endsWith('NOT_OPEN') ? ENDED : String(outcome.reason)
}

describe('a store that is', () => {
  it.each(MODES)('closed, %s, does not sweep', async mode => {
    const { store } = await openMode(mode)
    await store.put('k', VALUE)
    await store.close()
    await expect(store.gc.run()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await store.gc.stop()
  })

  it('a store that is being closed begins no sweep', async () => {
    const { store } = await openMode('write-back')
    await store.put('k', VALUE)
    const closing = store.close()
    await expect(store.gc.run()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
    await closing
  })

  it('readOnly does not sweep, now or in the background', async () => {
    const opened = await openMode('write-through', await filled([['k', text(3000)]]))
    await opened.store.close()
    const { batches } = (opened.backend as Sweepable['backend'] & { disk: { batches: object[] } }).disk
    const written = batches.length
    const { store } = await openMode('write-through', opened.backend, { readOnly: true, gc: { intervalMs: 1 } })
    await expect(store.gc.run()).rejects.toMatchObject({ code: 'LEVEL_READONLY' })
    await new Promise(resolve => setTimeout(resolve, 10))
    expect(batches.length).toBe(written)
    await store.close()
  })

  it.each(MODES)('closed during a sweep, %s, waits for the values that are judged, and no more', async mode => {
    const opened = await openMode(mode)
    const { store, backend, fs } = opened
    for (let i = 0; i < 600; i++) await store.put(nameOf(i), text(1100), { codec: 'none' })
    await store.flush()
    const expected = await contents(store)
    const gate = new Gate()
    const lz4Gc = new Lz4Gc()
    const policy = {
      id: 'waits',
      process: async (value: StoredValue) => {
        await gate.wait()
        return lz4Gc.process(value)
      }
    }
    const sweeping = store.gc.run({ policy })
    await gate.reached
    const closing = track(store.close())
    await turns()
    expect(closing.settled).toBe(false)
    gate.open()
    expect(await sweeping).toMatchObject({ complete: false, scanned: 16, recompressed: 16 })
    await vi.waitFor(() => expect(closing.settled).toBe(true), EVENTUALLY)
    const again = await openMode(mode, backend, {}, fs)
    expect(await contents(again.store)).toEqual(expected)
    expect(await again.store.gc.run({ policy })).toMatchObject({ resumed: true, scanned: 584, recompressed: 584 })
    expect(await contents(again.store)).toEqual(expected)
    await again.store.close()
  })

  it.each(MODES)('closed between two sweeps, %s, ends the second with a typed error or early', async mode => {
    const { store, backend, fs } = await openMode(mode)
    for (let i = 0; i < 600; i++) await store.put(nameOf(i), text(1100), { codec: 'none' })
    await store.flush()
    const expected = await contents(store)
    const sweeps = [store.gc.run(), store.gc.run(), store.gc.run()]
    const outcomes = Promise.allSettled(sweeps)
    await store.close()
    expect((await outcomes).map(endOf)).toEqual([ENDED, ENDED, ENDED])
    const again = await openMode(mode, backend, {}, fs)
    expect(await contents(again.store)).toEqual(expected)
    await again.store.close()
  })

  it.each(MODES)('a policy that never answers, %s, does not keep close() for ever, and loses nothing', async mode => {
    const { store, backend, fs } = await openMode(mode)
    await fill(store, 600)
    const expected = await contents(store)
    const asked = new Gate()
    const policy: Gc = { id: 'silent', process: () => asked.wait() as Promise<never> }
    const errors: unknown[] = []
    store.on('gcError', ({ error }: { error: unknown }) => void errors.push(error))
    const sweeping = store.gc.run({ policy })
    await asked.reached
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const closing = store.close()
    await turns()
    vi.advanceTimersByTime(MAX_ANSWER_MS)
    vi.useRealTimers()
    await closing
    const TIMEOUT = expect.objectContaining({ name: 'TimeoutError' }) as unknown
    expect(await sweeping).toMatchObject({ complete: false, scanned: 0, lastError: TIMEOUT })
    expect(errors).toEqual([TIMEOUT])
    asked.open() // Its answer comes too late to do anything.
    await turns()
    const again = await openMode(mode, backend, {}, fs)
    expect(await contents(again.store)).toEqual(expected)
    await again.store.close()
  })

  it('closed by its backend ends the sweep, too', async () => {
    const { store, backend } = await openMode('write-through')
    await fill(store, 600)
    const [outcome] = await Promise.allSettled([store.gc.run(), backend.close()])
    expect(endOf(outcome)).toBe(ENDED)
    expect(store.status).toBe('closed')
  })
})

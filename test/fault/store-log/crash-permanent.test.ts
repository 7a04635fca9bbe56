import { describe, expect, it, vi } from 'vitest'
import type { WalOptions } from '../../../src/wal/options.js'
import type { Unsynced } from '../../support/crashable-disk.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failing, intercept, WRITES } from '../../support/intercept.js'
import { contents, killed, logOn, openLogged, powerCut } from '../../support/logged-store.js'
import { LoggedWorkload } from '../../support/logged-workload.js'
import { mortal } from '../../support/mortal-file-system.js'
import { BackendDisk, PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { turns } from '../../support/turns.js'

type Policy = NonNullable<WalOptions['fsync']>

/** What of the unsynced survives: of the log, and of the backend. */
interface Loss {
  readonly log: Unsynced
  readonly backend: Unsynced
  readonly seed: number
}

/** Those that are tried with a crash at a step; the seed is named when a test fails. */
function lossesAt(step: number): Loss[] {
  const mixed: Loss[] = [
    { log: 'none', backend: 'all', seed: 0 },
    { log: 'all', backend: 'none', seed: 0 },
    { log: 'some', backend: 'some', seed: step }
  ]
  return [
    { log: 'all', backend: 'all', seed: 0 },
    { log: 'none', backend: 'none', seed: 0 },
    mixed[step % mixed.length]!
  ]
}

interface Machine {
  readonly fs: CrashableFileSystem
  readonly backend: BackendDisk
}

/** Where it dies: at a file call of the log, or at a batch of the backend. */
interface Death {
  readonly at: 'file' | 'batch'
  readonly step: number
  readonly midway: boolean
}

function machine(death?: Death): Machine {
  const fs = new CrashableFileSystem()
  const backend = new BackendDisk()
  return doomed({ fs, backend }, death)
}

function doomed(made: Machine, death?: Death): Machine {
  const { fs, backend } = made
  if (death?.at === 'file') {
    fs.crashAt(death.step, death)
    backend.diesWith(() => fs.steps >= death.step)
  } else if (death !== undefined) backend.crashAt(death.step, { midway: death.midway, onCrash: () => fs.crash() })
  return made
}

function died({ fs, backend }: Machine, { at, step }: Death): boolean {
  return (at === 'file' ? fs.steps : backend.steps) >= step
}

function afterwards({ fs, backend }: Machine, loss: Loss): Machine {
  return {
    fs: powerCut(fs, loss.log, loss.seed),
    backend: backend.afterCrash({ unsynced: loss.backend, seed: loss.seed })
  }
}

function open({ fs, backend }: Machine, options: WalOptions = {}) {
  return openLogged(
    logOn(
      mortal(fs, () => backend.isDead),
      options
    ),
    new PermanentMemoryLevel(backend)
  )
}

const copyOf = ({ fs, backend }: Machine): Machine => ({ fs: fs.clone(), backend: backend.clone() })

/** Everything a backend holds, the marker too. */
async function image(backend: BackendDisk): Promise<[string, string][]> {
  const level = new PermanentMemoryLevel(backend.clone())
  return (await level.iterator({ keyEncoding: 'hex', valueEncoding: 'hex' } as object).all()) as never
}

async function crashed(policy: Policy, seed: number, death: Death) {
  const made = machine(death)
  const workload = new LoggedWorkload(seed, policy === 'always')
  const failure = await (async () => {
    const first = await open(made, { fsync: policy })
    await workload.run(first, 12)
    await first.close()
    workload.closed()
    const second = await open(made, { fsync: policy })
    await workload.run(second, 16)
    await turns(20)
  })().catch((error: unknown) => error)
  if (failure !== undefined && !died(made, death)) throw failure
  return { made, workload }
}

describe.each<Policy>(['always', 'os'])("a permanent backend with a log, fsync: '%s'", policy => {
  const deaths: Omit<Death, 'step'>[] = [
    { at: 'file', midway: false },
    { at: 'file', midway: true },
    { at: 'batch', midway: false },
    { at: 'batch', midway: true }
  ]

  it.each(deaths)(
    'crashed at any $at (midway: $midway) has all that resolved, batches whole, and goes on',
    async how => {
      const seed = 21
      for (let step = 1; ; step += how.at === 'file' ? 4 : 1) {
        const death = { ...how, step }
        const { made, workload } = await crashed(policy, seed, death)
        for (const loss of lossesAt(step)) {
          try {
            const machineAgain = afterwards(made, loss)
            const store = await open(machineAgain)
            const found = await contents(store)
            // Whatever the policy: the backend has what resolved, on stable storage.
            workload.check(found, true)
            const { nextSequence } = store.wal!
            await store.put('zz', Buffer.from('later'))
            expect(store.wal!.nextSequence).toBe(nextSequence + 1)
            // Killed, not closed.
            const killedToo = { fs: killed(machineAgain.fs), backend: machineAgain.backend.clone() }
            const reopened = await open(killedToo)
            expect(await contents(reopened)).toEqual([...found, ['zz', 'later']])
          } catch (error) {
            throw new Error(`step ${step}, workload ${seed}, ${JSON.stringify(loss)}`, { cause: error })
          }
        }
        if (!died(made, death)) break
      }
    }
  )
})

describe('replay', () => {
  /** Segments so large that none of them goes. */
  const LARGE = { segmentBytes: 1 << 20 }

  /** A machine whose log has a lot that its backend has not: it stopped taking batches. */
  async function behind(): Promise<Machine> {
    const { fs, backend } = machine()
    const level = new PermanentMemoryLevel(backend)
    const store = await openLogged(logOn(fs, LARGE), level)
    await new LoggedWorkload(5, false).run(store, 10)
    failing(level, WRITES, new Error('the backend is full'))
    const puts = Array.from({ length: 2500 }, (_, i) => store.put(`k${i % 9}`, Buffer.from(`replayed ${i}`)))
    const left = { type: 'put' as const, key: 'left', value: Buffer.from('l') }
    const right = { type: 'put' as const, key: 'right', value: Buffer.from('r') }
    const rest = [
      store.batch([left, right]),
      store.clear({ gte: 'k2', lt: 'k4' }),
      store.put('k9', Buffer.from('last'))
    ]
    const outcomes = await Promise.allSettled([...puts, ...rest])
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toEqual([])
    return { fs: powerCut(fs, 'all'), backend: backend.clone() }
  }

  it('brings the backend up to the log', async () => {
    const entries = new Map(await contents(await open(await behind())))
    expect(entries.get('k9')).toBe('last')
    expect(entries.get('k8')).toBe('replayed 2492')
    expect([entries.get('left'), entries.get('right')]).toEqual(['l', 'r'])
    expect([entries.has('k2'), entries.has('k3')]).toEqual([false, false])
  })

  it('done twice gives the same', async () => {
    const made = await behind()
    const once = copyOf(made)
    const expected = await contents(await open(once))
    const replayed = await image(once.backend)
    // The log as it was, over a backend that has it already.
    const again = { fs: made.fs.clone(), backend: once.backend.clone() }
    expect(await contents(await open(again))).toEqual(expected)
    expect(await image(again.backend)).toEqual(replayed)
  })

  it.each<Omit<Death, 'step'>>([
    { at: 'file', midway: true },
    { at: 'batch', midway: false },
    { at: 'batch', midway: true }
  ])('that a crash at any $at (midway: $midway) ended, and that is done again, gives the same', async how => {
    const made = await behind()
    const expected = await contents(await open(copyOf(made)))
    for (let step = 1; ; step++) {
      const dying = doomed(copyOf(made), { ...how, step })
      const store = await open(dying).catch(() => undefined)
      for (const loss of lossesAt(step)) {
        const found = await contents(await open(afterwards(dying, loss)))
        expect(found, `step ${step}, ${JSON.stringify(loss)}`).toEqual(expected)
      }
      if (store === undefined) continue
      expect(step).toBeGreaterThan(3)
      break
    }
  })

  it('of the first value with a time to live has it gone for every read when that is over', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      const { fs, backend } = machine()
      const level = new PermanentMemoryLevel(backend)
      const store = await openLogged(logOn(fs), level)
      await store.put('a', Buffer.from('A'))
      // The marker says, before anything is logged, that there are such values; then the machine stops.
      let calls = 0
      intercept(level, ['_batch'], ({ proceed }) =>
        ++calls === 1 ? proceed() : Promise.reject(new Error('the machine stops'))
      )
      await expect(store.put('k', Buffer.from('K'), { ttl: 1000 })).rejects.toMatchObject({
        code: 'CKV_OUTCOME_UNKNOWN'
      })
      const reopened = await open({ fs: killed(fs), backend: backend.clone() })
      expect(await reopened.get('k')).toEqual(Buffer.from('K'))
      vi.advanceTimersByTime(1001)
      expect(await reopened.get('k')).toBeUndefined()
      expect(await reopened.has('k')).toBe(false)
      expect(await reopened.keys().all()).toEqual(['a'])
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a clear that takes several batches of the backend', () => {
  const KEYS = Array.from({ length: 2500 }, (_, i) => `k${i}`)

  it.each([
    ['of a range', { gte: 'k' }, 0],
    ['with a limit', { limit: 2400 }, 100]
  ])('%s is there whole or not at all after a power cut', async (_, options, kept) => {
    for (let step = 1; ; step++) {
      const made = machine()
      const store = await open(made)
      await store.batch(KEYS.map(key => ({ type: 'put', key, value: Buffer.from(key) })))
      made.backend.crashAt(made.backend.steps + step, { midway: true, onCrash: () => made.fs.crash() })
      const cleared = await store.clear(options).then(
        () => true,
        () => false
      )
      const left = await contents(await open(afterwards(made, { log: 'none', backend: 'none', seed: 0 })))
      expect(cleared ? [kept] : [kept, KEYS.length], `batch ${step}`).toContain(left.length)
      if (!cleared) continue
      expect(step).toBeGreaterThan(3)
      break
    }
  })
})

describe('numbers never go back', () => {
  it('after a power cut that keeps the backend and loses the end of the log: new writes survive a kill', async () => {
    const made = machine()
    const store = await open(made)
    await store.put('a', Buffer.from('1'))
    await store.sync()
    for (let i = 2; i <= 6; i++) await store.put('a', Buffer.from(String(i)))
    const cut = afterwards(made, { log: 'none', backend: 'none', seed: 0 })
    const second = await open(cut)
    expect(await contents(second)).toEqual([['a', '6']])
    expect(second.wal!.nextSequence).toBe(7)
    // Had the numbers gone back to 2, replay would leave out what is at most 6.
    const level = second.backend as unknown as PermanentMemoryLevel
    await second.put('b', Buffer.from('acknowledged'))
    failing(level, WRITES, new Error('the machine stops'))
    await expect(second.put('c', Buffer.from('logged'))).rejects.toThrow(Error)
    const third = await open({ fs: killed(cut.fs), backend: cut.backend.clone() })
    expect(await contents(third)).toEqual([
      ['a', '6'],
      ['b', 'acknowledged'],
      ['c', 'logged']
    ])
    expect((await third.wal!.get(8)).key.toString()).toBe('c')
  })

  it('also when the power is cut again and again', async () => {
    let made = machine()
    let last = 0
    for (let round = 0; round < 8; round++) {
      const store = await open(made)
      expect((await store.keys().all()).length).toBe(2 * round)
      expect(store.wal!.nextSequence).toBeGreaterThan(last)
      await store.put(`k${round}`, Buffer.of(1))
      await store.put(`l${round}`, Buffer.of(2))
      last = store.wal!.nextSequence - 1
      made = afterwards(made, { log: round % 2 ? 'none' : 'some', backend: 'none', seed: round })
    }
  })
})

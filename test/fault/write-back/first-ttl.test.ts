import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest'
import { Gate } from '../../support/gate.js'
import { failing, intercept, WRITES } from '../../support/intercept.js'
import { contents, type Store } from '../../support/logged-store.js'
import { type Death, DEATHS, LAZY, lossesAt, type Machine, MemoryMachine, PermanentMachine, until } from './machine.js'

/*
 * That a value with a time to live was ever written stands in the marker. A flush writes it with its last chunk, and so does the first
 * such value.
 */

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

const NOW = Date.UTC(2024, 2, 1)
const TTL = { ttl: 1000 }
const T = Buffer.from('T')

/** The first value with a time to live, in some form. */
const firsts: Record<string, (store: Store) => Promise<void>> = {
  'a put': store => store.put('t', T, TTL),
  'a batch': store =>
    store.batch([
      { type: 'put', key: 's', value: T },
      { type: 'put', key: 't', value: T, ...TTL }
    ]),
  'puts at once': async store => {
    await Promise.all([store.put('r', T), store.put('t', T, TTL), store.put('s', T), store.put('u', T, TTL)])
  }
}

const machines: Record<string, () => Machine> = {
  'a backend that keeps what it gets': () => new PermanentMachine(),
  'memory-level': () => new MemoryMachine()
}

/** The first one while a flush is on its way to the backend. */
async function played(first: (store: Store) => Promise<void>, machine: Machine, death?: Death) {
  const begun = { file: 0, backend: 0 }
  let acknowledged = false
  const died = await until(machine, death, async open => {
    const store = await open({ memtable: LAZY, wal: { fsync: 'always' } })
    await store.put('a', T)
    await store.put('b', T)
    begun.file = machine.steps('file')
    begun.backend = machine.steps('backend')
    const flushing = store.flush()
    flushing.catch(() => {})
    await Promise.resolve()
    await first(store)
    acknowledged = true
    await flushing
    await store.put('c', T)
    await store.flush()
    await store.del('c')
    await store.close()
  })
  return { died, begun, acknowledged }
}

describe.each(Object.entries(machines))('over %s', (_, make) => {
  describe.each(Object.entries(firsts))('%s with the first time to live, during a flush', (__, first) => {
    it.each(DEATHS)('crashed $when any $at call: what is there of it goes when its time is over', async how => {
      const { begun } = await played(first, make())
      for (let step = begun[how.at] + 1; ; step++) {
        vi.setSystemTime(NOW)
        const machine = make()
        const { died, acknowledged } = await played(first, machine, { ...how, step })
        for (const loss of [lossesAt(step)[step % 3]!]) {
          const at = JSON.stringify({ ...how, step, loss })
          vi.setSystemTime(NOW)
          const store = await machine.afterPowerCut(loss).open()
          const keys = (await contents(store)).map(([key]) => key)
          expect(keys.slice(0, 2), `at ${at}`).toEqual(['a', 'b'])
          expect(!acknowledged || keys.includes('t'), `at ${at}`).toBe(true)
          vi.advanceTimersByTime(1001)
          const left = keys.filter(key => key !== 't' && key !== 'u')
          expect(await store.keys().all(), `at ${at}`).toEqual(left)
          expect(await store.hasMany(['a', 't', 'u']), `at ${at}`).toEqual([true, false, false])
          await store.close()
        }
        if (!died) break
      }
    })
  })
})

test.each([1, 2])(
  'during write %i of a marker, that of the first value of all: it goes when its time is over',
  async call => {
    const machine = new PermanentMachine()
    const store = await machine.open({ memtable: LAZY })
    const gate = new Gate()
    let calls = 0
    intercept(store.backend, ['_put'], async ({ proceed }) => {
      if (++calls === call) await gate.wait()
      return proceed()
    })
    const puts = [store.put('a', T)]
    await gate.reached
    puts.push(store.put('t', T, TTL))
    gate.open()
    await Promise.all(puts)
    const again = await machine.afterKill().open()
    vi.advanceTimersByTime(1001)
    expect(await again.keys().all()).toEqual(['a'])
    expect(await again.has('t')).toBe(false)
    await again.close()
    await store.close()
  }
)

describe('a flush whose last chunk is refused', () => {
  it('leaves a marker that does not say it is done, whoever writes the marker next', async () => {
    const machine = new PermanentMachine()
    const store = await machine.open({ memtable: LAZY })
    await store.put('a', T)
    await store.flush()
    await store.put('b', T)
    const repair = failing(store.backend, WRITES, new Error('the backend fails'))
    await expect(store.flush()).rejects.toThrow('the backend fails')
    repair()
    await store.put('t', T, TTL)
    for (const again of [machine.afterKill(), machine.afterPowerCut({ log: 'all', backend: 'none', seed: 0 })]) {
      const opened = await again.open()
      expect(await opened.keys().all()).toEqual(['a', 'b', 't'])
      await opened.close()
    }
    await store.close()
    const reopened = await machine.open()
    expect(await reopened.keys().all()).toEqual(['a', 'b', 't'])
    await reopened.close()
  })

  it('and the first time to live, both while the other waits, leave what both say', async () => {
    const machine = new PermanentMachine()
    const store = await machine.open({ memtable: LAZY })
    await store.put('a', T)
    const flushing = store.flush()
    const puts = [store.put('t', T, TTL), store.put('u', T, TTL), store.put('b', T)]
    await Promise.all([flushing, ...puts, store.flush()])
    await store.close()
    const reopened = await machine.open()
    vi.advanceTimersByTime(1001)
    expect(await reopened.keys().all()).toEqual(['a', 'b'])
    await reopened.close()
  })
})

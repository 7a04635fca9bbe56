import { describe, expect, it } from 'vitest'
import { contents, type Store } from '../../support/logged-store.js'
import { LoggedWorkload } from '../../support/logged-workload.js'
import { turns } from '../../support/turns.js'
import {
  type Death,
  DEATHS,
  lossesAt,
  type Machine,
  MemoryMachine,
  PermanentMachine,
  type Policy,
  until
} from './machine.js'

const plain: [string, string][] = [
  ['k1', 'plain'],
  ['k5', 'from before']
]

interface Form {
  readonly name: string
  readonly begin: [string, string][]
  readonly make: () => Machine
}

const PERMANENT = 'a backend that keeps what it gets'

const forms: Form[] = [
  { name: PERMANENT, begin: [], make: () => new PermanentMachine() },
  { name: 'memory-level', begin: [], make: () => new MemoryMachine() },
  { name: 'memory-level, filled before', begin: plain, make: () => new MemoryMachine(undefined, plain) }
]

const cases = forms.flatMap(form =>
  (['always', 'interval', 'os'] as const)
    .filter(policy => form.name === PERMANENT || form.begin.length > 0 === (policy === 'interval'))
    .map(policy => [form.name, policy, form] as const)
)

/** Of the steps, one in so many is tried: neighbours do nearly the same, and each policy begins with another. */
const STRIDES: Record<Death['at'], number> = { file: 47, backend: 23 }
const OFFSETS: Record<Policy, number> = { always: 0, interval: 5, os: 9 }
const SEED = 31

/** A process that ends well, and one that works until the machine dies. */
async function crashed({ begin, make }: Form, policy: Policy, death?: Death) {
  const machine = make()
  const workload = new LoggedWorkload(SEED, policy === 'always', begin)
  const wal = { fsync: policy, fsyncIntervalMs: 1 }
  let opened = false
  const died = await until(machine, death, async open => {
    const first = await open({ wal })
    opened = true
    await workload.run(first, 8)
    await first.close()
    // It resolves on a machine that died in it, too.
    if (machine.isDead()) return
    workload.closed()
    const second = await open({ wal })
    await workload.run(second, 10)
    await second.flush()
    workload.closed()
    await workload.run(second, 10)
    await turns(5)
    if (death !== undefined && !machine.isDead()) await second.close()
  })
  return { machine, workload, died, opened }
}

describe.each(cases)("a MemTable over %s, fsync: '%s'", (_, policy, form) => {
  it.each(DEATHS)(
    'crashed $when any $at call has what was promised, a prefix, batches whole, and goes on',
    async how => {
      const stride = STRIDES[how.at]
      const first = (OFFSETS[policy] + DEATHS.indexOf(how) * 3) % stride
      for (let step = first + 1; ; step += stride) {
        const { machine, workload, died, opened } = await crashed(form, policy, { ...how, step })
        if (!died) break
        for (const loss of lossesAt(step)) {
          const at = `step ${step}, workload ${SEED}, ${JSON.stringify(loss)}`
          const after = machine.afterPowerCut(loss)
          const store = await after.open()
          const found = await contents(store)
          // Before the store was open nothing was promised, not even what a MemoryLevel held.
          const wrong = opened || found.length > 0 ? wrongIn(workload, found, loss.log === 'all') : undefined
          expect(wrong, `at ${at}`).toBeUndefined()
          const { expected, again } = await goOn(store, found, after, step % 2 === 0)
          expect(again, `at ${at}`).toEqual(expected)
        }
      }
    }
  )
})

function wrongIn(workload: LoggedWorkload, found: [string, string][], allSurvives: boolean): string | undefined {
  try {
    workload.check(found, allSurvives)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Writes more; what another process should find then, and finds: when the store was closed, or without that. */
async function goOn(store: Store, found: [string, string][], machine: Machine, closes: boolean) {
  const expected = [...found]
  for (const [key, length] of [
    ['y', 2000],
    ['zz', 5]
  ] as const) {
    const { nextSequence } = store.wal!
    await store.put(key, Buffer.alloc(length, 'n'))
    if (store.wal!.nextSequence <= nextSequence) throw new Error(`Number ${nextSequence} was given twice`)
    expected.push([key, 'n'.repeat(length)])
  }
  const next = closes ? machine : machine.afterKill()
  await store.close()
  const opened = await next.open()
  const again = await contents(opened)
  await opened.close()
  return { expected, again }
}

describe('the workload', () => {
  it.each(forms)('has flushes, and lets segments go, over $name', async form => {
    const { machine } = await crashed(form, 'os')
    expect(machine.steps('backend')).toBeGreaterThan(20)
    const { fs } = machine as PermanentMachine | MemoryMachine
    expect(fs.paths().some(path => path.endsWith('000001.wal'))).toBe(false)
  })
})

describe('a recovery', () => {
  it.each(forms.slice(0, 2))('that a crash ended, and that is done again, gives the same, over $name', async form => {
    const { machine } = await crashed(form, 'os')
    const loss = { log: 'some', backend: 'some', seed: 5 } as const
    const store = await machine.afterPowerCut(loss).open()
    const expected = await contents(store)
    await store.close()
    expect(expected.length).toBeGreaterThan(0)
    for (const how of DEATHS) {
      for (let step = 1; ; step += how.at === 'file' ? 2 : 1) {
        const dying = machine.afterPowerCut(loss)
        const died = await until(dying, { ...how, step }, async open => {
          await (await open()).close()
        })
        const again = lossesAt(step)[step % 3]!
        const recovered = await dying.afterPowerCut(again).open()
        expect(await contents(recovered), `at ${JSON.stringify({ ...how, step, again })}`).toEqual(expected)
        await recovered.close()
        if (!died) break
      }
    }
  })
})

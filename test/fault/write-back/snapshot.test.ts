import { expect, it } from 'vitest'
import { Gate } from '../../support/gate.js'
import { intercept } from '../../support/intercept.js'
import { contents, type Store } from '../../support/logged-store.js'
import { turns } from '../../support/turns.js'
import { type Death, DEATHS, LAZY, lossesAt, MemoryMachine, until } from './machine.js'

const value = (i: number) => Buffer.alloc(700, String(i))
const segments = ({ fs }: MemoryMachine) => fs.paths().filter(path => path.endsWith('.wal'))

/** While a table is flushed, what follows it is logged; then a snapshot begins, of what the backend has. */
async function written(machine: MemoryMachine, death?: Death) {
  const begun = { file: 0, backend: 0 }
  let found: { old: string[]; between: string[]; after: string[] } | undefined
  const died = await until(machine, death, async open => {
    const store = await open({ memtable: LAZY })
    for (let i = 0; i < 4; i++) await store.put(`a${i}`, value(i))
    begun.file = machine.steps('file')
    begun.backend = machine.steps('backend')
    const old = segments(machine)
    const between = await flushedAround(store, async () => {
      await store.put('b0', value(5))
      await store.del('a0')
      await store.clear({ gte: 'a2', lt: 'a3' })
      await store.put('b1', value(6))
      await store.sync()
      return segments(machine)
    })
    await store.put('c', value(7))
    await store.sync()
    await turns(10)
    found = { old, between, after: segments(machine) }
    await store.flush()
    await store.close()
  })
  return { died, begun, found }
}

/** Runs `work` while the backend has been given a table and has not answered. */
async function flushedAround<T>(store: Store, work: () => Promise<T>): Promise<T> {
  const gate = new Gate()
  const restore = intercept(store.backend, ['_batch'], async ({ proceed }) => {
    await gate.wait()
    return proceed()
  })
  const flushing = store.flush()
  flushing.catch(() => {})
  try {
    await Promise.race([gate.reached, flushing])
    return await work()
  } finally {
    restore()
    gate.open()
    await flushing
  }
}

const EXPECTED = [
  ['a1', 1],
  ['a3', 3],
  ['b0', 5],
  ['b1', 6],
  ['c', 7]
].map(([key, i]) => [key, value(i as number).toString()])

it('a snapshot of what a memory-level has leaves the segments that hold what it had not yet', async () => {
  const machine = new MemoryMachine()
  const { found } = await written(machine)
  const { old, between, after } = found!
  // The snapshot is in a new segment; what was logged between lies before it, and stays; what is older is gone.
  expect(after.at(-1)).not.toBe(between.at(-1))
  expect(after.some(path => between.includes(path))).toBe(true)
  expect(after).not.toContain(old[0])
  const store = await machine.afterKill().open()
  expect(await contents(store)).toEqual(EXPECTED)
  await store.close()
})

it.each(DEATHS)('crashed $when any $at call of it, everything synced is there', async how => {
  const { begun } = await written(new MemoryMachine())
  // Of the many file calls one in seven, others midway than before.
  const stride = how.at === 'file' ? 7 : 1
  for (let step = begun[how.at] + (how.when === 'midway' ? 3 : 1); ; step += stride) {
    const machine = new MemoryMachine()
    const { died } = await written(machine, { ...how, step })
    if (!died) break
    for (const loss of lossesAt(step)) {
      const at = JSON.stringify({ ...how, step, loss })
      const after = machine.afterPowerCut(loss)
      const store = await after.open()
      const found = await contents(store)
      const keys = found.map(([key]) => key).join(' ')
      expect(PREFIXES, `at ${at}`).toContain(keys)
      await store.put('zz', value(9))
      await store.close()
      const again = await after.open()
      expect(await contents(again), `at ${at}`).toEqual([...found, ['zz', value(9).toString()]])
      await again.close()
    }
  }
})

/** What is there after so many of the calls. */
const PREFIXES = [
  '',
  'a0',
  'a0 a1',
  'a0 a1 a2',
  'a0 a1 a2 a3',
  'a0 a1 a2 a3 b0',
  'a1 a2 a3 b0',
  'a1 a3 b0',
  'a1 a3 b0 b1',
  'a1 a3 b0 b1 c'
]

import { describe, expect, it } from 'vitest'
import { contents, type Store } from '../../support/logged-store.js'
import { type Death, DEATHS, LAZY, lossesAt, type Machine, MemoryMachine, PermanentMachine, until } from './machine.js'

type Entries = [string, string][]

/** What a store holds and has flushed, and calls that are acknowledged after that. */
interface Script {
  readonly prepare: (store: Store) => Promise<void>
  readonly calls: readonly ((store: Store) => Promise<void>)[]
}

const SMALL = Buffer.from('small')
/** Of a size that the entries fill, and a snapshot of them in few frames. */
const WAL = { blockBytes: 16 * 1024, segmentBytes: 20_000 }
const keyOf = (i: number) => `k${String(i).padStart(4, '0')}`
const many = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ type: 'put' as const, key: keyOf(i), value: SMALL }))

/** A backend batch takes 1000 operations: what is flushed comes in several. */
const scripts: Record<string, Script> = {
  'a table': {
    prepare: async store => {
      await store.put('a', SMALL)
      await store.put(keyOf(7), Buffer.from('old'))
    },
    calls: [
      store => store.batch(many(1050)),
      store => store.del(keyOf(500)),
      store =>
        store.batch([
          { type: 'put', key: keyOf(1030), value: Buffer.from('new') },
          { type: 'del', key: 'a' }
        ])
    ]
  },
  'a range that was deleted': {
    prepare: store => store.batch([...many(1050), { type: 'put', key: 'a', value: SMALL }]),
    calls: [
      store => store.put(keyOf(300), Buffer.from('goes')),
      store => store.clear({ gt: keyOf(100) }),
      store => store.put(keyOf(1040), Buffer.from('comes back')),
      store => store.clear({ gte: keyOf(2), limit: 3 })
    ]
  }
}

const machines: Record<string, () => Machine> = {
  'a backend that keeps what it gets': () => new PermanentMachine(),
  'memory-level': () => new MemoryMachine()
}

/** Does what the script says, then flushes, and dies in that. */
async function played(script: Script, machine: Machine, death?: Death) {
  const states: Entries[] = []
  const begun = { file: 0, backend: 0 }
  const died = await until(machine, death, async open => {
    const store = await open({ memtable: LAZY, wal: WAL })
    await script.prepare(store)
    await store.flush()
    for (const call of [() => Promise.resolve(), ...script.calls]) {
      await call(store)
      if (death === undefined) states.push(await contents(store))
    }
    begun.file = machine.steps('file')
    begun.backend = machine.steps('backend')
    await store.flush()
    await store.close()
  })
  return { died, states, begun }
}

describe.each(Object.entries(scripts))('a flush of %s, in chunks', (_, script) => {
  it.each(Object.entries(machines))(
    'over %s, when the power is cut in it and the unsynced end of the log is lost, leaves all that it had begun to write',
    async (__, make) => {
      const { states, begun } = await played(script, make())
      const texts = states.map(state => JSON.stringify(state))
      for (const how of DEATHS) {
        // Of the file calls every other one before, the others midway.
        const stride = how.at === 'file' ? 2 : 1
        for (let step = begun[how.at] + (how.when === 'before' ? 1 : stride); ; step += stride) {
          const machine = make()
          const { died } = await played(script, machine, { ...how, step })
          if (!died) break
          const backendBegan = machine.steps('backend') > begun.backend
          // At a file call everything may be lost or not; at one of the backend the log has to be there.
          const losses = lossesAt(step).slice(how.at === 'file' ? step % 2 : 1, how.at === 'file' ? (step % 2) + 1 : 2)
          for (const loss of losses) {
            const at = JSON.stringify({ ...how, step, loss })
            const after = machine.afterPowerCut(loss)
            const store = await after.open({ memtable: LAZY })
            const found = await contents(store)
            const which = texts.indexOf(JSON.stringify(found))
            const least = backendBegan || loss.log === 'all' ? texts.length - 1 : 0
            expect(which, `${at}: ${found.length} entries`).toBeGreaterThanOrEqual(least)
            await store.put('zz', SMALL)
            await store.close()
            const again = await after.open({ memtable: LAZY })
            expect((await contents(again)).length, `at ${at}`).toBe(found.length + 1)
            await again.close()
          }
        }
      }
    }
  )
})

it('between the last chunk and the deletion of segments there are calls at which it can die', async () => {
  const machine = new PermanentMachine()
  const order: string[] = []
  const store = await machine.open({ memtable: LAZY })
  const remove = machine.fs.remove.bind(machine.fs)
  machine.fs.remove = path => {
    order.push('remove')
    return remove(path)
  }
  const write = machine.disk.write.bind(machine.disk)
  machine.disk.write = batch => {
    order.push('write')
    write(batch)
  }
  await scripts['a table']!.calls[0]!(store)
  for (let i = 0; i < 5; i++) await store.put(keyOf(i), Buffer.alloc(900, i))
  const before = order.length
  await store.flush()
  await store.close()
  const flushed = order.slice(before)
  expect(flushed.slice(0, 2)).toEqual(['write', 'write'])
  expect(flushed.lastIndexOf('remove')).toBeGreaterThan(1)
})

import { describe, expect, it } from 'vitest'
import type { WalOptions } from '../../../src/wal/options.js'
import { openMode } from '../../support/gc-store.js'
import { contents, type Store } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { documents, keyOf } from '../../support/small-documents.js'
import {
  type Death,
  DEATHS,
  LAZY,
  lossesAt,
  type Machine,
  MemoryMachine,
  PermanentMachine,
  type Settings,
  until
} from '../write-back/machine.js'

const DOCUMENTS = documents(400)
const FIRST = Buffer.concat(DOCUMENTS.slice(0, 4))
const SECOND = Buffer.concat(documents(4, 7))

const wal: WalOptions = { blockBytes: 8192, segmentBytes: 9000 }
const NO_TABLE = false as unknown as NonNullable<Settings['memtable']>

interface Form {
  readonly name: string
  readonly settings: Settings
  readonly make: () => Machine
}

const forms: Form[] = [
  { name: 'a table over a permanent backend', settings: { memtable: LAZY, wal }, make: () => new PermanentMachine() },
  { name: 'a log over a permanent backend', settings: { memtable: NO_TABLE, wal }, make: () => new PermanentMachine() },
  { name: 'a table over memory-level', settings: { memtable: LAZY, wal }, make: () => new MemoryMachine() },
  { name: 'a log over memory-level', settings: { memtable: NO_TABLE, wal }, make: () => new MemoryMachine() }
]

/** What was acknowledged, on stable storage. */
type Promised = Map<string, Buffer>

async function put(store: Store, from: number, to: number, promised: Promised): Promise<void> {
  const operations = DOCUMENTS.slice(from, to).map(
    (value, i) => ({ type: 'put', key: keyOf(from + i), value }) as const
  )
  await store.batch(operations, { sync: true })
  for (const { key, value } of operations) promised.set(key, value)
}

/** A first dictionary, one that replaces it, and a sweep that takes the first away. */
async function replaced(open: (settings: Settings) => Promise<Store>, settings: Settings, promised: Promised) {
  for (const [i, dictionary] of [FIRST, SECOND].entries()) {
    const store = await open({ ...settings, codec: 'lz4', dictionary })
    await put(store, 8 * i, 8 * i + 4, promised)
    await store.flush()
    await put(store, 8 * i + 4, 8 * i + 8, promised)
    if (i > 0) await store.gc.run()
    await store.close()
  }
}

/** One that is trained on the first values. */
async function trained(open: (settings: Settings) => Promise<Store>, settings: Settings, promised: Promised) {
  const store = await open({ ...settings, codec: 'zstd', dictionary: 'auto' })
  await put(store, 0, 300, promised)
  await store.flush()
  while (store.stats().dictionary.judged === 0) await new Promise(resolve => setImmediate(resolve))
  await put(store, 300, 320, promised)
  await store.flush()
  await store.close()
}

/** Every value that is there is right, whatever it needs, and what was promised is there. */
function check(found: readonly [string, string][], promised: Promised, at: string): void {
  const wrong = found.filter(([key, value]) => DOCUMENTS[Number(key.slice(4))]?.toString('latin1') !== value)
  expect(wrong, `at ${at}`).toEqual([])
  const keys = new Set(found.map(([key]) => key))
  expect(
    [...promised.keys()].filter(key => !keys.has(key)),
    `at ${at}`
  ).toEqual([])
}

describe.each(forms)('$name', ({ settings, make }) => {
  const workloads = [
    { what: 'given, replaced and removed', run: replaced, strides: { file: 2, backend: 1 } },
    { what: 'trained', run: trained, strides: { file: 9, backend: 1 } }
  ]
  const crashes = workloads.flatMap(workload => DEATHS.map(how => ({ ...workload, how, when: how.when, at: how.at })))

  it.each(crashes)(
    'a dictionary $what: crashed $when any $at call, every value is read',
    async ({ run, strides, how }) => {
      let step = 1
      for (; ; step += strides[how.at]) {
        const promised: Promised = new Map()
        const machine = make()
        const death: Death = { ...how, step }
        const died = await until(machine, death, open => run(settings_ => open(settings_), settings, promised))
        if (!died) break
        const losses = lossesAt(step)
        const loss = losses[step % losses.length]!
        const at = JSON.stringify({ ...death, loss })
        const after = machine.afterPowerCut(loss)
        const store = await after.open({ ...settings, dictionary: false })
        check(await contents(store), promised, at)
        await store.close()
        if (settings.memtable === NO_TABLE && make() instanceof MemoryMachine) continue
        const next = await after.open({ ...settings, dictionary: SECOND })
        await put(next, 350, 352, promised)
        await next.flush()
        await next.gc.run()
        check(await contents(next), promised, `${at}, gone on with`)
        await next.close()
      }
      expect(step).toBeGreaterThan(2)
    }
  )
})

it.each([false, true])('write-through: crashed at any batch, every value is read (midway: %s)', async midway => {
  for (let step = 1; ; step++) {
    const promised: Promised = new Map()
    let backend = new PermanentMemoryLevel()
    backend.disk.crashAt(step, { midway })
    const { disk } = backend
    const open = async (options: Settings) => {
      backend = new PermanentMemoryLevel(disk)
      const { memtable: _, ...rest } = options
      return (await openMode('write-through', backend, rest)).store
    }
    const failure: unknown = await replaced(open, {}, promised).catch((error: unknown) => error)
    if (failure !== undefined && !disk.isDead) throw failure
    const found = new PermanentMemoryLevel(disk.afterCrash({ unsynced: step % 2 ? 'all' : 'none' }))
    const { store } = await openMode('write-through', found, { dictionary: SECOND })
    check(await contents(store), promised, `step ${step}`)
    await store.gc.run()
    check(await contents(store), promised, `step ${step}, swept`)
    await store.close()
    if (!disk.isDead) break
  }
  expect.hasAssertions()
})

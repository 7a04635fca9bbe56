import { describe, expect, it } from 'vitest'
import { CompressedKvStore, Lz4Gc } from '../../../src/index.js'
import type { WalOptions } from '../../../src/wal/options.js'
import { filled, markerIn, openMode } from '../../support/gc-store.js'
import { contents, type Store } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise, text } from '../../support/sample-values.js'
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

/** Text to compress, noise to mark, plain values to give an envelope, one to drop: of more than one chunk. */
const PLAIN: [string, string][] = [
  ['a', 'plain'],
  ['e', text(1500).toString('latin1')],
  ['m', noise(1200).toString('latin1')],
  ['z', '']
]
const FILLERS = 260

const policy = {
  id: 'compresses and drops',
  process: (value: Parameters<Lz4Gc['process']>[0]) =>
    value.key.toString() === 'drop' ? ({ action: 'drop' } as const) : new Lz4Gc().process(value)
}

async function write(store: Store) {
  const operations = Array.from({ length: FILLERS }, (_, i) => ({
    type: 'put' as const,
    key: `f${String(i).padStart(3, '0')}`,
    value: Buffer.from(`filler ${i}`)
  }))
  await store.batch(operations, { sync: true })
  await store.put('k', text(2000), { codec: 'none', sync: true })
  await store.put('l', noise(2000), { codec: 'none', sync: true })
  await store.put('drop', text(100), { sync: true })
  await store.put('ttl', text(2000), { codec: 'none', ttl: 1_000_000_000, sync: true })
  await store.flush()
  if (store.wal !== undefined) await store.sync()
}

/** What is there beside 'drop', which may be there or not. */
const kept = (entries: [string, string][]) => entries.filter(([key]) => key !== 'drop')

interface Form {
  readonly name: string
  readonly settings: Settings
  readonly make: () => Promise<Machine>
  /** How many of the steps are tried. */
  readonly strides: Record<Death['at'], number>
}

/** What was there before is on stable storage. */
async function plainBackend(plain: [string, string][]): Promise<PermanentMemoryLevel> {
  const { disk } = await filled<PermanentMemoryLevel>(plain.map(([key, value]) => [key, Buffer.from(value, 'latin1')]))
  return new PermanentMemoryLevel(disk.afterCrash({ unsynced: 'all' }))
}

async function permanentMachine(plain: [string, string][]): Promise<PermanentMachine> {
  const backend = await plainBackend(plain)
  return new PermanentMachine(undefined, backend.disk)
}

const wal: WalOptions = { blockBytes: 8192, segmentBytes: 9000 }

const NO_TABLE = false as unknown as NonNullable<Settings['memtable']>

const forms: Form[] = [
  {
    name: 'a table over a permanent backend',
    settings: { memtable: LAZY, wal },
    make: () => permanentMachine(PLAIN),
    strides: { file: 6, backend: 1 }
  },
  {
    name: 'a log over a permanent backend',
    settings: { memtable: NO_TABLE, wal },
    make: () => permanentMachine(PLAIN),
    strides: { file: 6, backend: 1 }
  },
  {
    name: 'a table over memory-level, begun empty',
    settings: { memtable: LAZY, wal },
    make: async () => new MemoryMachine(),
    strides: { file: 6, backend: 1 }
  },
  {
    name: 'a log over memory-level, begun empty',
    settings: { memtable: NO_TABLE, wal },
    make: async () => new MemoryMachine(),
    strides: { file: 6, backend: 1 }
  }
]

/** A store that is filled and swept, twice with a write between, on a machine that may die from the sweep on. */
async function swept({ make, settings }: Form, how?: Omit<Death, 'step'>, step = 0) {
  const machine = await make()
  let expected: [string, string][] = []
  const begun = { file: 0, backend: 0 }
  const died = await until(machine, undefined, async open => {
    const store = await open(settings)
    await write(store)
    expected = kept(await contents(store))
    begun.file = machine.steps('file')
    begun.backend = machine.steps('backend')
    if (how !== undefined) machine.die({ ...how, step: begun[how.at] + step })
    await store.gc.run({ policy })
    await store.put('later', Buffer.from('later'))
    await store.sync()
    await store.flush()
    await store.gc.run({ policy, force: true })
    if (!machine.isDead()) await store.close()
  })
  return { machine, expected, died, begun }
}

const withLater = (entries: [string, string][]) =>
  [...entries, ['later', 'later'] as [string, string]].sort(([a], [b]) => (a < b ? -1 : 1))

/** Whether what is found is what there was before the sweep, the later write and the dropped key left aside. */
function check(found: [string, string][], expected: [string, string][], at: string): void {
  const there = kept(found)
  const wanted = there.some(([key]) => key === 'later') ? withLater(expected) : expected
  const wrong = wanted.filter(([key, value], i) => there[i]?.[0] !== key || there[i][1] !== value)
  const wrongKeys = wrong.map(([key]) => key)
  expect(wrongKeys, `at ${at}`).toEqual([])
  expect(there.length, `at ${at}`).toBe(wanted.length)
}

describe.each(forms)('$name', form => {
  it.each(DEATHS)('crashed $when any $at call of a sweep has every value, and sweeps on', async how => {
    let step = 1
    for (; ; step += form.strides[how.at]) {
      const { machine, expected, died } = await swept(form, how, step)
      if (!died) break
      const losses = lossesAt(step)
      const loss = losses[step % losses.length]!
      const at = JSON.stringify({ ...how, step, loss })
      const after = machine.afterPowerCut(loss)
      const store = await after.open(form.settings)
      const found = await contents(store)
      check(found, expected, at)
      const report = await store.gc.run({ policy })
      expect(report, `at ${at}`).toMatchObject({ failed: 0, complete: true })
      check(await contents(store), expected, `${at}, swept again`)
      if (step % 3 > 0) {
        await store.close()
        continue
      }
      await store.put('n', Buffer.from('n'))
      const now = await contents(store)
      const next = after.afterKill()
      await store.close()
      const again = await next.open(form.settings)
      expect(await contents(again), `${at}, killed again`).toEqual(now)
      await again.close()
    }
    expect(step).toBeGreaterThan(1)
  })

  it('the sweep has backend and file calls', async () => {
    const { machine, begun } = await swept(form)
    expect(machine.steps('backend') - begun.backend).toBeGreaterThan(2)
    expect(machine.steps('file') - begun.file).toBeGreaterThan(1)
  })
})

it('a write-through store, crashed at any batch of its first sweep behind a write, has every value', async () => {
  for (const share of [0, 0.5, 1]) {
    for (let step = 1; ; step++) {
      const backend = await plainBackend(PLAIN)
      const { store } = await openMode('write-through', backend)
      await write(store)
      const expected = kept(await contents(store))
      backend.disk.crashAt(backend.disk.steps + step, { midway: share > 0, share })
      const error = await store.gc.run({ policy }).then(
        () => undefined,
        (failure: unknown) => failure
      )
      if (error === undefined) break
      const found = new PermanentMemoryLevel(backend.disk.afterCrash({ unsynced: step % 2 ? 'all' : 'none' }))
      const after = await openMode('write-through', found)
      const at = `step ${step}, share ${share}`
      check(await contents(after.store), expected, at)
      const { plainValues } = (await markerIn(found))!
      const report = await after.store.gc.run({ policy })
      expect(report, `at ${at}`).toMatchObject({ complete: true, failed: 0 })
      // It says so at the end, and not before.
      expect(plainValues || report.enveloped === 0, `at ${at}`).toBe(true)
      expect((await markerIn(found))!.plainValues, `at ${at}`).toBe(false)
      check(await contents(after.store), expected, at)
      await after.store.close()
    }
  }
})

it('a sweep that never ended because the backend refused a batch leaves the guard, and the values', async () => {
  const backend = await plainBackend(PLAIN)
  const { store } = await openMode('write-through', backend)
  await write(store)
  const expected = kept(await contents(store))
  backend.disk.crashAt(backend.disk.steps + 1)
  await expect(store.gc.run({ policy })).rejects.toThrow('died')
  const found = new PermanentMemoryLevel(backend.disk.clone())
  const again = new CompressedKvStore<string, Buffer>(found, { wal: false })
  check(await contents(again), expected, 'opened again')
  expect((await markerIn(found))!.plainValues).toBe(true)
  await again.close()
})

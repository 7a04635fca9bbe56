import { CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { inFlight } from '../harness/in-flight.js'
import { shuffledKeys } from '../harness/keys.js'
import { countText } from '../harness/number-text.js'
import { percentile } from '../harness/percentile.js'
import type { Report } from '../harness/report.js'
import { alternate } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { AS_BUFFERS } from '../store/contenders.js'
import { ENTRIES, type Entries, makeEntries, VALUE_BYTES } from './entries.js'

const PAIRS = 4000
const ROUNDS = 2
const IN_FLIGHT = 1000
/** The most ms. */
const P99_BAR = 1

interface Iterable {
  open(): Promise<void>
  close(): Promise<void>
  put(key: string, value: Buffer): Promise<void>
  iterator(options: { limit: number }): { next(): Promise<unknown>; close(): Promise<void> }
}

interface Contender {
  readonly name: string
  readonly isStore: boolean
  readonly create: (location: string) => Iterable
}

/** Options with which everything stays in the table. */
const NEVER_FLUSHED = { flushBytes: Infinity, maxBytes: Infinity, flushIntervalMs: Infinity }

const CONTENDERS: readonly Contender[] = [
  {
    name: 'memory-level with a log',
    isStore: true,
    create: dir =>
      new CompressedKvStore(new MemoryLevel<string, Buffer>(AS_BUFFERS), { wal: { dir }, memtable: NEVER_FLUSHED })
  },
  { name: 'memory-level, bare', isStore: false, create: () => new MemoryLevel<string, Buffer>(AS_BUFFERS) },
  {
    name: 'classic-level',
    isStore: true,
    create: location =>
      new CompressedKvStore(new Level<string, Buffer>(location, AS_BUFFERS), { memtable: NEVER_FLUSHED })
  },
  { name: 'classic-level, bare', isStore: false, create: location => new Level<string, Buffer>(location, AS_BUFFERS) }
]

/** Measures puts and iterators in turns. An iterator sees one moment, and so freezes what was put since the last: the worst case for a table. */
export async function benchPutIterate(report: Report, corpus: string | undefined): Promise<void> {
  const entries = makeEntries(corpus)
  report.section(
    `A put, then iterator({ limit: 1 }).next() and close(), ${countText(ENTRIES)} entries in the table`,
    `Values of ${VALUE_BYTES} bytes, new keys in random order; ${countText(PAIRS)} pairs one after the other, ${ROUNDS} rounds in turns. Nothing is flushed, and no fsync`,
    'is waited for. µs for one pair; the first pair, for which the whole table is put in order, is included.'
  )
  const rounds = await alternate(ROUNDS, CONTENDERS, contender => round(contender, entries))
  const results = CONTENDERS.map(({ name, isStore }, i) => {
    const times = rounds[i]!.flat()
    return { name, isStore, p50: percentile(times, 0.5), p99: percentile(times, 0.99), max: Math.max(...times) }
  })
  report.line('')
  report.table(
    ['', 'p50 µs', 'p99 µs', 'max µs'],
    results.map(({ name, p50, p99, max }) => [name, ...[p50, p99, max].map(ms => countText(ms * 1000))])
  )
  report.line('')
  for (const { name, isStore, p50, p99, max } of results) {
    report.record('memtable put and iterate', { contender: name, entries: ENTRIES, p50Ms: p50, p99Ms: p99, maxMs: max })
    if (isStore) report.bar(`put and iterate, ${name}, p99 ms`, p99, '<=', P99_BAR)
  }
}

/** @returns how many ms every pair took */
async function round({ create }: Contender, { values }: Entries): Promise<number[]> {
  return inTemporaryDirectory(async directory => {
    const database = create(directory)
    await database.open()
    const keys = shuffledKeys(ENTRIES + PAIRS, 3)
    await inFlight(ENTRIES, IN_FLIGHT, i => database.put(keys[i]!, values[i]!))
    const times: number[] = []
    for (const [i, key] of keys.slice(ENTRIES).entries()) {
      const start = performance.now()
      await database.put(key, values[i]!)
      const iterator = database.iterator({ limit: 1 })
      if ((await iterator.next()) === undefined) throw new Error('The iterator found nothing')
      await iterator.close()
      times.push(performance.now() - start)
    }
    await database.close()
    return times
  })
}

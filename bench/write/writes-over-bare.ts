import { join } from 'node:path'
import { inFlight, inFlightFor } from '../harness/in-flight.js'
import { shuffledKeys } from '../harness/keys.js'
import { countText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { KIB, MIB, sizeText } from '../wal/sizes.js'
import type { WriteContender, WriteDatabase } from './contenders.js'
import { compareOverBare, type Rates } from './over-bare.js'
import { IN_FLIGHT, type Values, valuesOf, valuesText } from './records.js'

const ROUNDS = 3
const BURST = 10_000
const QUICK_SUSTAINED = 64 * MIB
const FULL_SUSTAINED = 400 * MIB
const MILLISECONDS = 250
/** How many keys there are for puts that go on for some time: later puts overwrite earlier ones. */
const KEYS = 100_000

/** Measures how fast puts are. */
export async function benchWritesOverBare(report: Report, corpus: string | undefined, full: boolean): Promise<void> {
  const values = valuesOf(corpus)
  const sustainedBytes = full ? FULL_SUSTAINED : QUICK_SUSTAINED
  report.section(
    'Puts of 1 KiB over classic-level, the store with default options beside bare with Snappy',
    `${valuesText(values)}; keys in random order. ${ROUNDS} rounds in turns; medians, also of the rounds' quotients.`,
    `${IN_FLIGHT} in flight unless it says otherwise. durable: { sync: true }; the others wait for no fsync. sustained: puts of`,
    `${sizeText(sustainedBytes)} together, until the database is closed${full ? '' : ' (400 MiB with --full)'}.`,
    'Each in a database of its own, except for those right after others: these follow in one database, first puts one after another, then durable ones',
    'with 1000 in flight, then durable ones one after another. They share processor and disk with the flush of those before, which are five to ten',
    'times as many as in the bare database.'
  )
  const run = ({ create }: WriteContender): Promise<Rates> =>
    inTemporaryDirectory(async directory => {
      const inNew = async <T>(name: string, work: (database: WriteDatabase) => Promise<T>): Promise<T> => {
        const database = create(join(directory, name))
        await database.open()
        await database.put('first', values.at(0)) // With it the store syncs its marker, once in the life of a database.
        const result = await work(database)
        await database.close()
        return result
      }
      return [
        await inNew('burst', database => putAll(database, BURST, values)),
        await inNew('sustained', database => putAll(database, sustainedBytes / KIB, values, true)),
        await inNew('durable', database => putter(database, values)(IN_FLIGHT, { sync: true })),
        await inNew('durable, lone', database => putter(database, values)(1, { sync: true })),
        ...(await inNew('puts', database => putFor(database, values)))
      ]
    })
  await compareOverBare(
    report,
    'write over bare',
    ROUNDS,
    [
      { name: `puts, a burst of ${countText(BURST)}`, bar: 2 },
      { name: `puts, ${sizeText(sustainedBytes)} sustained, close included`, bar: 1.2 },
      { name: 'durable puts', bar: 10 },
      { name: 'durable puts, one after another', bar: 1 },
      { name: 'puts, one after another', bar: 4 },
      { name: 'durable puts right after those', bar: 10 },
      { name: 'durable puts, one after another, right after those', bar: 1 }
    ],
    run
  )
}

/** @returns puts a second */
async function putAll(database: WriteDatabase, puts: number, values: Values, withClose = false): Promise<number> {
  const keys = shuffledKeys(puts, 5)
  const start = performance.now()
  await inFlight(puts, IN_FLIGHT, i => database.put(keys[i]!, values.at(i)))
  if (withClose) await database.close()
  return (puts * 1000) / (performance.now() - start)
}

/** @returns puts a second: one after another, durable, durable one after another */
async function putFor(database: WriteDatabase, values: Values): Promise<Rates> {
  const rate = putter(database, values)
  return [await rate(1), await rate(IN_FLIGHT, { sync: true }), await rate(1, { sync: true })]
}

/** @returns a function that makes puts for as long as an operation is measured, and returns how many per second */
function putter(database: WriteDatabase, values: Values) {
  const keys = shuffledKeys(KEYS, 7)
  let next = 0
  return async (limit: number, options?: { sync: true }): Promise<number> => {
    const start = performance.now()
    const ran = await inFlightFor(MILLISECONDS, limit, () => {
      const i = next++
      return database.put(keys[i % KEYS]!, values.at(i), options)
    })
    return (ran * 1000) / (performance.now() - start)
  }
}

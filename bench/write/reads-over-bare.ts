import { inFlight, inFlightFor } from '../harness/in-flight.js'
import { shuffledKeys } from '../harness/keys.js'
import { countText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { compact } from '../store/contenders.js'
import { KIB } from '../wal/sizes.js'
import { BARE, STORE, type WriteContender, type WriteDatabase } from './contenders.js'
import { compareOverBare, type Rates } from './over-bare.js'
import { IN_FLIGHT, type Values, valuesOf } from './records.js'

const ROUNDS = 3
const RECORDS = 20_000
const MILLISECONDS = 150
const LIMITS = [1, 16, 1000]
const BAR = 0.9

/** Measures how fast values are read that are in the backend. */
export async function benchReadsOverBare(report: Report, corpus: string | undefined): Promise<void> {
  const values = valuesOf(corpus)
  report.section(
    `Reading ${countText(RECORDS)} records of 1 KiB from classic-level, the store with default options beside bare with Snappy`,
    `The database is written, closed, opened again, compacted and read through before: otherwise LevelDB would work on its files meanwhile, and their`,
    `pages would be mapped one by one, so that the first gets would take five times as long.`,
    `Gets in random order. ${ROUNDS} rounds in turns; medians, also of the rounds' quotients.`
  )
  const gets = LIMITS.map(limit => ({
    name: limit === 1 ? 'get, one after another' : `get, ${limit} in flight`,
    bar: BAR
  }))
  const operations = [...gets, { name: 'getSync', bar: BAR }, { name: 'iterate', bar: BAR }]
  for (const contender of [STORE, BARE]) await round(contender, values) // Code is slow when it runs for the first time.
  await compareOverBare(report, 'read over bare', ROUNDS, operations, contender => round(contender, values))
}

async function round({ create }: WriteContender, values: Values): Promise<Rates> {
  return inTemporaryDirectory(async directory => {
    const keys = shuffledKeys(RECORDS, 8)
    let database = create(directory)
    await database.open()
    await inFlight(RECORDS, IN_FLIGHT, i => database.put(keys[i]!, values.at(i)))
    await database.close()
    database = create(directory)
    await database.open()
    await compact(database)
    await iterateRate(database)
    const rates: number[] = []
    for (const limit of LIMITS) rates.push(await getFor(database, limit))
    rates.push(getSyncFor(database), await iterateRate(database))
    await database.close()
    return rates
  })
}

async function getFor(database: WriteDatabase, limit: number): Promise<number> {
  const keys = shuffledKeys(RECORDS, 10)
  const start = performance.now()
  const ran = await inFlightFor(MILLISECONDS, limit, async i => check(await database.get(keys[i % RECORDS]!)))
  return (ran * 1000) / (performance.now() - start)
}

function getSyncFor(database: WriteDatabase): number {
  const keys = shuffledKeys(RECORDS, 11)
  const start = performance.now()
  let ran = 0
  do check(database.getSync(keys[ran++ % RECORDS]!))
  while (performance.now() - start < MILLISECONDS)
  return (ran * 1000) / (performance.now() - start)
}

async function iterateRate(database: WriteDatabase): Promise<number> {
  const start = performance.now()
  let seen = 0
  for await (const [, value] of database.iterator()) {
    check(value)
    seen++
  }
  if (seen !== RECORDS) throw new Error(`The iterator saw ${seen} records of ${RECORDS}`)
  return (seen * 1000) / (performance.now() - start)
}

function check(value: Buffer | undefined): void {
  if (value?.length !== KIB) throw new Error('A value came back different')
}

import { cut, jsonSource } from '../documents/pieces.js'
import { bitsPerByte } from '../harness/entropy.js'
import { inFlight } from '../harness/in-flight.js'
import { shuffledKeys } from '../harness/keys.js'
import { median } from '../harness/median.js'
import { countText, ratioText, threeDigits } from '../harness/number-text.js'
import { rawDiskRate } from '../harness/raw-disk.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { type Timed, timed } from '../harness/timed.js'
import {
  BARE_CLASSIC,
  BARE_MEMORY,
  compact,
  type Contender,
  type Database,
  OVER_CLASSIC,
  OVER_MEMORY
} from './contenders.js'

const RECORD_BYTES = 1024
const ROUNDS = 5

interface Load {
  readonly inFlight: number
  readonly records: number
}

const LOADS: readonly Load[] = [
  { inFlight: 1, records: 2500 },
  { inFlight: 16, records: 5000 },
  { inFlight: 1000, records: 20_000 }
]

/** Runs before anything is measured: code is slow when it runs for the first time. */
const WARM_UP: Load = { inFlight: 16, records: 4000 }

/** The least rates with LZ4 over classic-level, store over bare. */
const BARS = [
  { what: 'puts', inFlight: 1000, bar: 1 },
  { what: 'gets', inFlight: 1000, bar: 0.9 },
  { what: 'puts', inFlight: 1, bar: 0.8 },
  { what: 'gets', inFlight: 1, bar: 0.8 }
] as const

/** One round. */
interface Round {
  readonly puts: Timed
  readonly gets: Timed
}

/** All rounds of one contender under one load, summed up. */
interface Result {
  readonly backend: string
  readonly inFlight: number
  readonly contender: string
  readonly puts: Timed
  readonly gets: Timed
  readonly putsOverBare: number
  readonly getsOverBare: number
}

/** Measures puts and gets of 1 KiB records through the store and in the bare backend, in turns. */
export async function benchRecords(report: Report, corpus: string | undefined): Promise<void> {
  const source = jsonSource(corpus)
  const values = cut(source, RECORD_BYTES)
  const rawDisk = await rawDiskRate()
  report.section(
    'Puts and gets of 1 KiB records',
    `Pieces of ${source.name}, ${bitsPerByte(values).toFixed(2)} bits per byte (order 0), as Buffers, under text keys in random order;`,
    `a new database in each round, ${ROUNDS} rounds in turns. Medians; store / bare is the median of the rounds' quotients.`,
    'No fsync. Gets are in another random order, from the compacted database. bare classic-level has Snappy on, and so has the',
    'backend of the store. CPU: processor time of all threads for one put or get, with compaction in the background.',
    `Raw disk: ${countText(rawDisk)} MB/s into one file, no fsync, = ${countText((rawDisk * 1e6) / RECORD_BYTES)} records/s.`
  )
  report.record('raw disk', { megabytesPerSecond: rawDisk })

  const classic = await benchBackend(report, 'classic-level', [BARE_CLASSIC, ...OVER_CLASSIC], values)
  report.line('')
  // By default LZ4 over LevelDB leaves records of this size to Snappy. The second set of lines is for a store that compresses them.
  for (const name of ['store lz4', 'lz4, minSize 1024']) {
    for (const { what, inFlight: limit, bar } of BARS) {
      const lz4 = classic.find(({ inFlight: n, contender }) => n === limit && contender === name)!
      const over = what === 'puts' ? lz4.putsOverBare : lz4.getsOverBare
      report.bar(`classic-level, ${name} / bare, ${what}, ${limit} in flight`, over, '>=', bar)
    }
  }
  await benchBackend(report, 'memory-level', [BARE_MEMORY, ...OVER_MEMORY], values)
}

async function benchBackend(
  report: Report,
  backend: string,
  contenders: readonly Contender[],
  values: readonly Buffer[]
): Promise<Result[]> {
  const results: Result[] = []
  await alternate(1, contenders, contender => runRound(contender, WARM_UP, values))
  for (const load of LOADS) {
    const rounds = await alternate(ROUNDS, contenders, contender => runRound(contender, load, values))
    const bare = rounds[0]!
    for (const [i, ofContender] of rounds.entries()) {
      results.push({
        backend,
        inFlight: load.inFlight,
        contender: contenders[i]!.name,
        puts: medianTimed(ofContender, 'puts'),
        gets: medianTimed(ofContender, 'gets'),
        putsOverBare: medianQuotient(rates(ofContender, 'puts'), rates(bare, 'puts')),
        getsOverBare: medianQuotient(rates(ofContender, 'gets'), rates(bare, 'gets'))
      })
    }
  }
  report.line('')
  report.table([backend, '', 'puts/s', 'store / bare', 'CPU', 'gets/s', 'store / bare', 'CPU'], results.map(rowOf))
  for (const { puts, gets, ...rest } of results) {
    report.record('store records', {
      ...rest,
      putsPerSecond: puts.perSecond,
      putCpuMicroseconds: puts.cpuMicroseconds,
      getsPerSecond: gets.perSecond,
      getCpuMicroseconds: gets.cpuMicroseconds
    })
  }
  return results
}

function rowOf({ inFlight: limit, contender, puts, gets, putsOverBare, getsOverBare }: Result): string[] {
  const over = (quotient: number) => (contender === 'bare' ? '' : ratioText(quotient))
  return [
    `${limit} in flight`,
    contender,
    countText(puts.perSecond),
    over(putsOverBare),
    cpuText(puts),
    countText(gets.perSecond),
    over(getsOverBare),
    cpuText(gets)
  ]
}

function cpuText({ cpuMicroseconds }: Timed): string {
  return `${threeDigits(cpuMicroseconds)} µs`
}

async function runRound(contender: Contender, load: Load, values: readonly Buffer[]): Promise<Round> {
  return inTemporaryDirectory(async directory => {
    const database = contender.create(directory)
    await database.open()
    await database.put('first', values[0]!) // With it the store syncs its marker, once in the life of a database.
    const puts = await putAll(database, load, values)
    await compact(database)
    const gets = await getAll(database, load)
    await database.close()
    return { puts, gets }
  })
}

async function putAll(database: Database, { inFlight: limit, records }: Load, values: readonly Buffer[]) {
  const keys = shuffledKeys(records, 1)
  return timed(records, () => inFlight(records, limit, i => database.put(keys[i]!, values[i % values.length]!)))
}

async function getAll(database: Database, { inFlight: limit, records }: Load) {
  const keys = shuffledKeys(records, 2)
  return timed(records, () =>
    inFlight(records, limit, async i => {
      const value = await database.get(keys[i]!)
      if (value?.length !== RECORD_BYTES) throw new Error(`'${keys[i]}' came back different`)
    })
  )
}

function rates(rounds: readonly Round[], what: keyof Round): number[] {
  return rounds.map(round => round[what].perSecond)
}

function medianTimed(rounds: readonly Round[], what: keyof Round): Timed {
  return {
    perSecond: median(rates(rounds, what)),
    cpuMicroseconds: median(rounds.map(round => round[what].cpuMicroseconds))
  }
}

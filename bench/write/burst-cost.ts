import type { CodecName } from 'compressed-kv'
import { inFlight } from '../harness/in-flight.js'
import { shuffledKeys } from '../harness/keys.js'
import { type Cost, costOf } from '../harness/main-thread.js'
import { median } from '../harness/median.js'
import { countText, ratioText, threeDigits } from '../harness/number-text.js'
import { rawDiskRate } from '../harness/raw-disk.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { POLICIES, type Policy } from '../wal/rates.js'
import { type Backend, BACKENDS, bare, store, type WriteContender } from './contenders.js'
import { IN_FLIGHT, type Values, valuesOf, valuesText } from './records.js'

/** So few that the table is not flushed. */
const PUTS = 10_000
const ROUNDS = 3
/** The most µs of the main thread for a put, before the flush, with the log's default codec. */
const PUT_BAR = 2.5

/** A codec that is named compresses every frame. By default the log leaves frames uncompressed when compression does not keep up. */
type LogCodec = CodecName | 'default'
const LOG_CODECS: readonly LogCodec[] = ['default', 'none', 'lz4']

interface BurstContender extends WriteContender {
  readonly codec?: LogCodec
  readonly policy?: Policy
}

interface Round {
  readonly put: Cost
  /** For one entry; undefined for a bare backend, which has no flush. */
  readonly flush: Cost | undefined
}

/** Measures what a put costs until it resolves, and what it costs afterwards to move it to the backend. */
export async function benchBurstCost(report: Report, corpus: string | undefined): Promise<void> {
  const values = valuesOf(corpus)
  const keys = shuffledKeys(PUTS, 4)
  const rawDisk = await rawDiskRate()
  report.section(
    `Puts of 1 KiB, ${IN_FLIGHT} in flight: a burst of ${countText(PUTS)} that fits the table`,
    `${valuesText(values)}, as Buffers, under text keys of 16 bytes in random order; the codec and the fsync`,
    `policy are the log's, and a put resolves as the policy says. µs for one put: main is processor time of the main thread, wall is time by the clock.`,
    `flush: µs for one entry, of a flush that begins when all puts have resolved. A new database in each round, ${ROUNDS} rounds in turns, medians; bare: no fsync.`,
    `Raw disk: ${countText(rawDisk)} MB/s into one file, no fsync.`
  )
  for (const backend of BACKENDS) await benchBackend(report, backend, keys, values)
}

async function benchBackend(report: Report, backend: Backend, keys: readonly string[], values: Values): Promise<void> {
  const stores = LOG_CODECS.flatMap(codec => POLICIES.map(policy => storeOf(backend, codec, policy)))
  const contenders: readonly BurstContender[] = [bare(backend), ...stores]
  const run = (contender: WriteContender) => round(contender, keys, values)
  await alternate(2, contenders.slice(0, 2), run) // Code is slow when it runs for the first time.
  const rounds = await alternate(ROUNDS, contenders, run)

  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const [i, { name, codec, policy }] of contenders.entries()) {
    const put = medianCost(rounds[i]!, rounds[0]!)
    const flushes = rounds[i]!.flatMap(({ flush }) => (flush === undefined ? [] : [flush]))
    const flush = flushes.length === 0 ? undefined : median(flushes.map(({ mainThread }) => mainThread))
    rows.push([
      name,
      threeDigits(put.mainThread),
      ratioText(put.mainThreadOverBare),
      threeDigits(put.wall),
      ratioText(put.wallOverBare),
      flush === undefined ? '-' : threeDigits(flush)
    ])
    report.record('write burst', {
      backend,
      codec: codec ?? null,
      policy: policy ?? null,
      puts: PUTS,
      inFlight: IN_FLIGHT,
      bitsPerByte: values.bits,
      mainThreadUs: put.mainThread,
      mainThreadOverBare: put.mainThreadOverBare,
      wallUs: put.wall,
      wallOverBare: put.wallOverBare,
      flushMainThreadUs: flush ?? null
    })
    if (codec !== 'default') continue
    const what = `put of 1 KiB, ${backend}, ${name}, main thread µs`
    bars.push(() => report.bar(what, put.mainThread, '<=', PUT_BAR))
  }
  report.line('')
  report.table([`${backend}, log's codec, fsync`, 'main', '/ bare', 'wall', '/ bare', 'flush, main'], rows)
  report.line('')
  for (const print of bars) print()
}

function storeOf(backend: Backend, codec: LogCodec, policy: Policy): BurstContender {
  const wal = { fsync: policy, ...(codec === 'default' ? {} : { codec }) }
  // Without these options a timer could begin a flush while there are puts.
  const memtable = { flushIntervalMs: Infinity }
  return { ...store(`${codec}, ${policy}`, backend, { wal, memtable }), codec, policy }
}

async function round({ create }: WriteContender, keys: readonly string[], values: Values): Promise<Round> {
  return inTemporaryDirectory(async directory => {
    const database = create(directory)
    await database.open()
    await database.put('first', values.at(0)) // With it the store syncs its marker, once in the life of a database.
    const put = await costOf(PUTS, () => inFlight(PUTS, IN_FLIGHT, i => database.put(keys[i]!, values.at(i))))
    const flush = database.flush === undefined ? undefined : await costOf(PUTS, () => database.flush!())
    await database.close()
    return { put, flush }
  })
}

function medianCost(rounds: readonly Round[], bareRounds: readonly Round[]) {
  const of = (all: readonly Round[], what: keyof Cost) => all.map(({ put }) => put[what])
  const over = (what: keyof Cost) => medianQuotient(of(rounds, what), of(bareRounds, what))
  return {
    mainThread: median(of(rounds, 'mainThread')),
    wall: median(of(rounds, 'wall')),
    mainThreadOverBare: over('mainThread'),
    wallOverBare: over('wall')
  }
}

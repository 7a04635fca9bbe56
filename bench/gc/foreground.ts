import { type GcReport, ZstdGc } from 'compressed-kv'
import { median } from '../harness/median.js'
import { countText, threeDigits } from '../harness/number-text.js'
import { percentile } from '../harness/percentile.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { KIB } from '../wal/sizes.js'
import { type Latencies, type Load, oneAfterAnother, paced, PACE_MS } from './foreground-load.js'
import { EVERY_VALUE_LZ4, inFilledStore, jsonDocuments } from './stores.js'

const RECORDS = 16 * KIB
const ROUNDS = 3
/** p99 with a sweep over p99 without. */
const BAR = 2
const LEVEL = 9
/** How long the load lasts without a sweep. */
const ALONE_MS = 1500
/** A sweep that has not finished by then counts as one that does not finish. */
const SWEEP_MS = 20_000

const LOADS: readonly { readonly name: string; readonly load: Load }[] = [
  { name: 'one after another', load: oneAfterAnother },
  { name: `one every ${PACE_MS} ms`, load: paced }
]

interface Round {
  readonly alone: Latencies
  readonly swept: Latencies
  readonly sweep: GcReport
}

/** Measures what a sweep does to those who read and write meanwhile, and what they do to it. */
export async function benchForeground(report: Report, corpus: string | undefined): Promise<void> {
  const set = jsonDocuments(corpus, RECORDS)
  const keys = set.documents.map(({ key }) => key)
  const values = set.documents.map(({ value }) => value)
  report.section(
    'Puts and gets while a sweep runs, classic-level',
    `${countText(RECORDS)} values of ${set.name}, written with LZ4 and swept with Zstandard at level ${LEVEL}. Puts and gets of random keys in turns: one after`,
    `another, and one every ${PACE_MS} ms, timed from when it was due, so that a stall counts for all who wait. Times are in µs: without a sweep for`,
    `${ALONE_MS} ms, then with a sweep until it finishes, in the same database; ${ROUNDS} rounds, medians. No fsync is waited for.`
  )
  const run = async ({ load }: (typeof LOADS)[number]): Promise<Round> =>
    inFilledStore(EVERY_VALUE_LZ4, set, async store => {
      const alone = await load(store, keys, values, AbortSignal.timeout(ALONE_MS))
      await store.flush()
      const swept = new AbortController()
      const signal = AbortSignal.timeout(SWEEP_MS)
      const sweeping = store.gc.run({ policy: new ZstdGc({ level: LEVEL }), signal }).finally(() => swept.abort())
      const latencies = await load(store, keys, values, swept.signal)
      return { alone, swept: latencies, sweep: await sweeping }
    })
  const rounds = await alternate(ROUNDS, LOADS, run)

  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const [i, { name }] of LOADS.entries()) {
    const ofLoad = rounds[i]!
    const seconds = median(ofLoad.map(({ sweep }) => sweep.seconds))
    const unfinished = ofLoad.filter(({ sweep }) => !sweep.complete).length
    for (const what of ['put', 'get'] as const) {
      const p99 = (when: 'alone' | 'swept') => ofLoad.map(round => percentile(round[when][what], 0.99) * 1000)
      const p50 = (when: 'alone' | 'swept') => median(ofLoad.map(round => percentile(round[when][what], 0.5) * 1000))
      const over = medianQuotient(p99('swept'), p99('alone'))
      const figures = {
        p50Us: p50('alone'),
        p50SweptUs: p50('swept'),
        p99Us: median(p99('alone')),
        p99SweptUs: median(p99('swept'))
      }
      const longestMs = Math.max(...ofLoad.map(({ swept }) => swept[what].reduce((a, b) => Math.max(a, b), 0)))
      report.record('gc foreground', {
        load: name,
        what,
        ...figures,
        over,
        longestMs,
        sweepSeconds: seconds,
        unfinished
      })
      rows.push([
        `${what}, ${name}`,
        ...[figures.p50Us, figures.p50SweptUs, figures.p99Us, figures.p99SweptUs].map(countText),
        threeDigits(over),
        threeDigits(longestMs),
        threeDigits(seconds)
      ])
      bars.push(() => report.bar(`${what}, ${name}, p99 with a sweep / without`, over, '<=', BAR))
    }
    bars.push(() => report.bar(`${name}: sweeps that did not finish`, unfinished, '<=', 0))
  }
  report.line('')
  report.table(['', 'p50', 'swept', 'p99', 'swept', 'swept / not', 'longest ms', 'sweep s'], rows)
  report.line('')
  for (const print of bars) print()
}

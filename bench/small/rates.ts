import { shuffled } from '../documents/seeded.js'
import { inFlight } from '../harness/in-flight.js'
import { keyOf } from '../harness/keys.js'
import { median } from '../harness/median.js'
import { ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { timed } from '../harness/timed.js'
import type { SmallSet } from './sets.js'
import { fill, IN_FLIGHT, type Store, storeOf, type StoreOptions, withDatabase } from './stores.js'

const RECORDS = 20_000
const ROUNDS = 7
/** How often all is read: 20,000 gets are over in a tenth of a second, and the first take longer while LevelDB still works on what was flushed. */
const READ_PASSES = 3
/** The least rates, over those without a dictionary. */
const BARS = { put: 0.8, get: { lz4: 0.8, zstd: 0.6 } } as const

const MODES: readonly { readonly name: string; readonly options: StoreOptions }[] = [
  { name: 'write-back', options: {} },
  { name: 'write-through', options: { wal: false } }
]

interface Rates {
  readonly put: number
  readonly flushed: number
  readonly get: number
  readonly getSync: number
  readonly getCompacted: number
  readonly getSyncCompacted: number
}
const MEASURES = ['put', 'flushed', 'get', 'getSync', 'getCompacted', 'getSyncCompacted'] as const

/** Measures rates with a dictionary that is there already, beside those without one. */
export async function benchRates(report: Report, set: SmallSet): Promise<void> {
  report.section(
    `Rates with a dictionary over those without, ${set.name}, classic-level`,
    `${RECORDS} values, ${IN_FLIGHT} in flight, in a store that has trained its dictionary. put: until acknowledged; flushed: until the backend`,
    'has them. get and getSync: of each value three times, getSync one after another. First right after the flush: with a MemTable, LevelDB still has',
    'all values in its write buffer then, not compressed. Then from its tables, after compaction. Thousands per second, and in brackets over those with',
    'dictionary: false, the median of the quotients.'
  )
  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const mode of MODES) {
    for (const codec of ['lz4', 'zstd'] as const) {
      const contenders: StoreOptions[] = [false as const, 'auto' as const].map(dictionary => ({
        codec,
        dictionary,
        ...mode.options
      }))
      const [without, withOne] = await alternate(ROUNDS, contenders, options =>
        withDatabase(storeOf(options), store => measure(store, set))
      )
      const of = (rounds: Rates[], what: keyof Rates) => rounds.map(rates => rates[what])
      const over = (what: keyof Rates) => medianQuotient(of(withOne!, what), of(without!, what))
      const shown = (what: keyof Rates) =>
        `${threeDigits(median(of(withOne!, what)) / 1000)} (${ratioText(over(what))})`
      rows.push([mode.name, codec, ...MEASURES.map(shown)])
      for (const what of MEASURES) {
        report.record('small rates', {
          mode: mode.name,
          codec,
          what,
          perSecond: median(of(withOne!, what)),
          over: over(what)
        })
      }
      bars.push(() => {
        report.bar(`${mode.name}, ${codec}, put`, over('put'), '>=', BARS.put)
        report.bar(`${mode.name}, ${codec}, get right after the flush`, over('get'), '>=', BARS.get[codec])
        report.bar(`${mode.name}, ${codec}, get, compacted`, over('getCompacted'), '>=', BARS.get[codec])
      })
    }
  }
  report.line('')
  report.table(['mode', 'codec', ...MEASURES], rows)
  report.line('')
  for (const print of bars) print()
}

async function measure(store: Store, set: SmallSet): Promise<Rates> {
  await fill(store, set)
  await store.flush()
  const { documents } = set
  const valueOf = (i: number) => documents[i % documents.length]!.value
  const start = performance.now()
  await inFlight(RECORDS, IN_FLIGHT, i => store.put(keyOf(i), valueOf(i)))
  const put = performance.now()
  await store.flush()
  const flushed = performance.now()
  const rate = (end: number) => (RECORDS * 1000) / (end - start)
  const { get, getSync } = await measureReads(store)
  await store.compactRange('', '\uffff')
  const compacted = await measureReads(store)
  return {
    put: rate(put),
    flushed: rate(flushed),
    get,
    getSync,
    getCompacted: compacted.get,
    getSyncCompacted: compacted.getSync
  }
}

async function measureReads(store: Store): Promise<Pick<Rates, 'get' | 'getSync'>> {
  const order = shuffled(RECORDS, 3)
  const reads = RECORDS * READ_PASSES
  const read = (i: number) => keyOf(order[i % RECORDS]!)
  const get = await timed(reads, () => inFlight(reads, IN_FLIGHT, i => store.get(read(i))))
  const getSync = await timed(reads, async () => {
    for (let i = 0; i < reads; i++) store.getSync(read(i))
  })
  return { get: get.perSecond, getSync: getSync.perSecond }
}

import { type Gc, type GcReport, Lz4Gc, NoGc, ZstdGc } from 'compressed-kv'
import type { DocumentSet } from '../documents/document.js'
import { filesBySize } from '../documents/size-classes.js'
import { bitsPerByte } from '../harness/entropy.js'
import { median } from '../harness/median.js'
import { bytesText, countText, megabytesPerSecond, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate } from '../harness/rounds.js'
import { KIB } from '../wal/sizes.js'
import { type CodecCalls, counting } from './counting-policy.js'
import { EVERY_VALUE_LZ4, inFilledStore, jsonDocuments, type StoreOptions } from './stores.js'

const RECORDS = 32 * KIB
const ROUNDS = 2
/** The least MB/s of stored values, if there is nothing to do. */
const IDLE_BAR = 50

interface Sweep {
  readonly written: string
  readonly options: StoreOptions
  readonly policy: Gc
}

interface Round {
  /** MB/s of values as they were stored. */
  readonly first: number
  readonly second: number
  readonly report: GcReport
  readonly calls: CodecCalls
}

const RAW = { written: 'raw', options: { codec: 'none' } } as const
const LZ4 = { written: 'lz4', options: EVERY_VALUE_LZ4 } as const

const SWEEPS: readonly Sweep[] = [
  { ...LZ4, policy: new NoGc() },
  { ...RAW, policy: new Lz4Gc() },
  { ...LZ4, policy: new ZstdGc({ level: 3 }) },
  { ...LZ4, policy: new ZstdGc({ level: 9 }) }
]

/** A first sweep, which finds work to do, and a second one, which finds none. */
export async function benchSweepRate(report: Report, corpus: string | undefined): Promise<void> {
  const sets = [jsonDocuments(corpus, RECORDS), largerFiles()]
  const entropies = sets.map(({ name, documents }) => {
    const bits = bitsPerByte(documents.map(({ value }) => value))
    return `${name}, ${bits.toFixed(2)} bits per byte`
  })
  report.section(
    'Sweeps of real documents over classic-level',
    `${entropies.join('; ')} (order 0). MB/s are of values as they`,
    'were stored before. The first sweep does what there is to do, and compacts the database; the second finds nothing to do. New databases,',
    `${ROUNDS} rounds in turns, medians. Nobody else reads or writes. calls: how often the second sweep called codecs.`
  )
  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const set of sets) {
    const rounds = await alternate(ROUNDS, SWEEPS, sweep => sweepTwice(sweep, set))
    for (const [i, sweep] of SWEEPS.entries()) rows.push(rowOf(report, set, sweep, rounds[i]!, bars))
  }
  report.line('')
  report.table(['documents', 'written', 'policy', 'stored', 'then', 'first MB/s', 'second MB/s', 'calls'], rows)
  report.line('')
  for (const print of bars) print()
}

function rowOf(
  report: Report,
  { name }: DocumentSet,
  { written, policy }: Sweep,
  rounds: readonly Round[],
  bars: (() => void)[]
): string[] {
  const [{ report: done, calls }] = rounds as readonly [Round]
  const id = policy.id!
  const [first, second] = [median(rounds.map(round => round.first)), median(rounds.map(round => round.second))]
  const called = calls.restored + calls.compressed
  report.record('gc sweep', {
    documents: name,
    written,
    policy: id,
    scanned: done.scanned,
    recompressed: done.recompressed,
    probed: done.probed,
    bytesBefore: done.bytesBefore,
    bytesAfter: done.bytesAfter,
    firstMBs: first,
    secondMBs: second,
    secondCodecCalls: called
  })
  if (policy instanceof NoGc || policy instanceof Lz4Gc) {
    bars.push(() => report.bar(`${name}, ${id}, nothing to do, MB/s`, second, '>=', IDLE_BAR))
  }
  bars.push(() => report.bar(`${name}, ${id}, second sweep, codec calls`, called, '<=', 0))
  return [
    name,
    written,
    id,
    bytesText(done.bytesBefore),
    bytesText(done.bytesAfter),
    threeDigits(first),
    threeDigits(second),
    countText(called)
  ]
}

async function sweepTwice({ options, policy }: Sweep, set: DocumentSet): Promise<Round> {
  return inFilledStore(options, set, async store => {
    const first = await store.gc.run({ policy })
    if (!first.complete || first.failed > 0) throw new Error('A sweep failed', { cause: first.lastError })
    const calls: CodecCalls = { restored: 0, compressed: 0 }
    const second = await store.gc.run({ policy: counting(policy, calls) })
    return { first: rateOf(first), second: rateOf(second), report: first, calls }
  })
}

function rateOf({ bytesBefore, seconds }: GcReport): number {
  return megabytesPerSecond(bytesBefore, seconds * 1000)
}

/** Text and code files of 1 KiB and more. */
export function largerFiles(): DocumentSet {
  const sets = filesBySize(({ kind, bytes }) => kind !== 'json' && bytes >= KIB)
  return { name: 'text and code >= 1 KiB', kind: 'text', documents: sets.flatMap(({ documents }) => documents) }
}

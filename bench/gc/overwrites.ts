import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { CompressedKvStore, type CompressedKvStoreOptions } from 'compressed-kv'
import { MemoryLevel } from 'memory-level'
import { directorySize } from '../harness/directory-size.js'
import { inFlight } from '../harness/in-flight.js'
import { bytesText, countText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { AS_BUFFERS } from '../store/contenders.js'
import { KIB } from '../wal/sizes.js'

const KEYS = 1000
const VALUE_BYTES = 200
const IN_FLIGHT = 1000
const OVERWRITES = 300_000
const FULL_OVERWRITES = 10_000_000
/** After how many overwrites the log's directory is measured again. */
const WEIGH_EVERY = 2000
/** A log may take this many times the live data, and this many segments beside. */
const LIVE_TIMES = 3
const SEGMENTS = 2

/** The default. With a MemTable a log holds twice `flushBytes` in any case, by default 32 MiB: smaller segments would make it no smaller. */
const SEGMENT_BYTES = 128 * 1024 * KIB

const MODES: readonly { readonly name: string; readonly options: CompressedKvStoreOptions<string, Buffer> }[] = [
  { name: 'write-back', options: {} },
  { name: 'logged', options: { memtable: false } }
]

interface Run {
  readonly live: number
  readonly most: number
  readonly last: number
  readonly segmentsDeleted: number
  readonly seconds: number
}

/** Measures how large the log of a store over memory-level becomes under constant overwrites. */
export async function benchOverwrites(report: Report, full: boolean): Promise<void> {
  const count = full ? FULL_OVERWRITES : OVERWRITES
  report.section(
    'The log of a store over memory-level under constant overwriting',
    `${countText(count)} overwrites of ${countText(KEYS)} keys, ${VALUE_BYTES} random bytes each, ${countText(IN_FLIGHT)} in flight, fsync: 'os'. most: the most bytes that the log's`,
    `directory had, measured every ${countText(WEIGH_EVERY)} overwrites. live: the bytes of keys and values.`
  )
  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const { name, options } of MODES) {
    const run = await overwrite(count, options)
    const bound = LIVE_TIMES * run.live + SEGMENTS * SEGMENT_BYTES
    report.record('gc overwrites', { mode: name, count, ...run, bound })
    rows.push([
      name,
      bytesText(run.live),
      bytesText(run.most),
      bytesText(run.last),
      countText(run.segmentsDeleted),
      threeDigits(count / run.seconds / 1000)
    ])
    bars.push(() =>
      report.bar(`${name}, the most / three times the live data and two segments`, run.most / bound, '<=', 1)
    )
  }
  report.line('')
  report.table(['', 'live', 'most', 'in the end', 'segments deleted', 'k/s'], rows)
  report.line('')
  for (const print of bars) print()
}

async function overwrite(count: number, options: CompressedKvStoreOptions<string, Buffer>): Promise<Run> {
  return inTemporaryDirectory(async directory => {
    const dir = join(directory, 'log')
    const wal = { dir, fsync: 'os', segmentBytes: SEGMENT_BYTES } as const
    const store = new CompressedKvStore(new MemoryLevel<string, Buffer>(AS_BUFFERS), { ...options, wal })
    await store.open()
    const noise = randomBytes(64 * KIB)
    let most = 0
    const start = performance.now()
    await inFlight(count, IN_FLIGHT, async i => {
      const from = (i * 37) % (noise.length - VALUE_BYTES)
      await store.put(keyOf(i % KEYS), noise.subarray(from, from + VALUE_BYTES))
      if (i % WEIGH_EVERY === 0) most = Math.max(most, directorySize(dir))
    })
    const seconds = (performance.now() - start) / 1000
    await store.flush()
    const last = directorySize(dir)
    const { segmentsDeleted } = store.stats().wal!
    const live = KEYS * (VALUE_BYTES + keyOf(0).length)
    await store.close()
    return { live, most: Math.max(most, last), last, segmentsDeleted, seconds }
  })
}

function keyOf(i: number): string {
  return `key${String(i).padStart(5, '0')}`
}

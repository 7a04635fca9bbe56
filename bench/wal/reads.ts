import { closeSync, openSync, read, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type CodecName, type LogRecord, type Position, Wal } from 'compressed-kv'
import { shuffled } from '../documents/seeded.js'
import { inFlight } from '../harness/in-flight.js'
import { bytesText, ratioText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { inTemporaryDirectory } from '../harness/temporary-directory.js'
import { countingFileSystem } from './counting-file-system.js'
import { dropPageCache } from './page-cache.js'
import { jsonPayload, type Payload, payloadText, randomPayload, recordsOf } from './payload.js'
import { medianOf, microseconds } from './rates.js'
import { KIB, MIB, sizeText } from './sizes.js'

const readAt = promisify(read)

const ROUNDS = 5
const VALUE_BYTES = KIB
const QUICK_BYTES = 256 * MIB
const FULL_BYTES = 2048 * MIB
const COLD_READS = 500
const WARM_READS = 2000
const CACHED_READS = 50_000
/** How many bytes a bare read has: about as many as a frame. */
const BARE_BYTES = 64 * KIB
/** The place of one record in so many is kept, to read the record by it. */
const EVERY = 16

/** The most µs of a get in a cached frame, and the most for a cold get over a bare read. */
const CACHED_BAR = 1
const COLD_BAR = 2.5

/** A log, and where some of its records are. */
interface Fixture {
  readonly wal: Wal
  readonly directory: string
  readonly places: readonly { readonly position: Position; readonly sequence: number }[]
  readonly read: { bytes: number; calls: number }
}

/** µs, and bytes read, for one record. */
interface Cost {
  readonly us: number
  readonly bytes: number
}

/** Measures gets of single records: from a cached frame, from the page cache, and from the disk. */
export async function benchReads(report: Report, corpus: string | undefined, full: boolean): Promise<void> {
  const json = jsonPayload(corpus)
  const noise = randomPayload()
  const bytes = full ? FULL_BYTES : QUICK_BYTES
  const canDrop = dropPageCache()
  report.section(
    `get() of 1 KiB records in a log of ${sizeText(bytes)} of values`,
    ...(full ? [] : ['With --full they are 2 GiB.']),
    `${payloadText(json)}; ${payloadText(noise)}. One get at a time; ${ROUNDS} rounds in turns. read: bytes that one get reads from the file.`,
    'cached: records of one frame, again and again. warm: random places, with a warm page cache, and frames that are not cached.',
    canDrop
      ? 'cold: random places after the page cache was dropped. bare: fs.read of 64 KiB at the same offsets of the same files, also cold.'
      : 'cold: page cache WARM (it cannot be dropped here). bare: fs.read of 64 KiB at the same offsets of the same files.'
  )
  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const { payload, codec } of [
    { payload: json, codec: 'lz4' },
    { payload: noise, codec: 'none' }
  ] as const) {
    await inFixture(payload, codec, bytes, async fixture => {
      const { cached, warm, cold } = await measure(fixture)
      for (const how of ['position', 'sequence'] as const) {
        const figures = {
          cached: medianCost(cached[how]),
          warm: medianCost(warm[how]),
          cold: medianCost(cold[how]),
          bare: medianCost(cold.bare)
        }
        const overBare = medianQuotient(usOf(cold[how]), usOf(cold.bare))
        rows.push([
          `${payload.name}, ${codec}, by ${how}`,
          microseconds(figures.cached.us),
          microseconds(figures.warm.us),
          bytesText(figures.warm.bytes),
          microseconds(figures.cold.us),
          bytesText(figures.cold.bytes),
          microseconds(figures.bare.us),
          ratioText(overBare)
        ])
        report.record('wal reads', {
          payload: payload.name,
          bitsPerByte: payload.bits,
          codec,
          by: how,
          logBytes: bytes,
          pageCacheDropped: canDrop,
          cachedMicroseconds: figures.cached.us,
          warmMicroseconds: figures.warm.us,
          warmBytesRead: figures.warm.bytes,
          coldMicroseconds: figures.cold.us,
          coldBytesRead: figures.cold.bytes,
          bareMicroseconds: figures.bare.us,
          coldOverBare: overBare
        })
        bars.push(() => {
          report.bar(`get in a cached frame, ${codec}, by ${how}, µs`, figures.cached.us, '<=', CACHED_BAR)
          report.bar(`get cold / bare read of 64 KiB, ${codec}, by ${how}`, overBare, '<=', COLD_BAR)
        })
      }
    })
  }
  report.line('')
  report.table(['', 'cached', 'warm', 'read', 'cold', 'read', 'bare', 'cold / bare'], rows)
  report.line('')
  for (const bar of bars) bar()
}

async function inFixture(
  payload: Payload,
  codec: CodecName,
  bytes: number,
  work: (fixture: Fixture) => Promise<void>
): Promise<void> {
  await inTemporaryDirectory(async directory => {
    const records = recordsOf(payload, VALUE_BYTES)
    const { fs, read: bytesRead } = countingFileSystem()
    const { wal } = await Wal.open({ dir: directory, codec, fsync: 'os', fs })
    const places = await fill(wal, records, Math.floor(bytes / VALUE_BYTES))
    await wal.sync() // Pages that are not written back would stay when the page cache is dropped.
    await work({ wal, directory, places, read: bytesRead })
    await wal.close()
  })
}

async function fill(wal: Wal, records: readonly LogRecord[], count: number): Promise<Fixture['places']> {
  const places: { position: Position; sequence: number }[] = []
  await inFlight(count, 1000, async i => {
    const position = await wal.append(records[i % records.length]!)
    // Appends are numbered in the order of the calls.
    if (i % EVERY === 0) places.push({ position, sequence: i + 1 })
  })
  return places
}

type By = 'position' | 'sequence'
const CONTENDERS = ['position', 'sequence', 'bare'] as const

async function measure(fixture: Fixture) {
  const { wal, directory, places, read: bytesRead } = fixture
  const frames = places.filter((place, i) => i === 0 || !samePlace(place.position, places[i - 1]!.position))
  let turn = 0
  let coldTurn = 0
  const get = async (by: By, place: Fixture['places'][number]) => {
    const record = await wal.get(place[by])
    if (record.sequence !== place.sequence) throw new Error(`Record ${place.sequence} came back as ${record.sequence}`)
  }
  const costOf = async (count: number, work: (i: number) => Promise<void>): Promise<Cost> => {
    const before = bytesRead.bytes
    const start = performance.now()
    for (let i = 0; i < count; i++) await work(i)
    const us = ((performance.now() - start) * 1000) / count
    return { us, bytes: (bytesRead.bytes - before) / count }
  }

  const ofOneFrame = places.filter(({ position }) => samePlace(position, places[places.length >> 1]!.position))
  const cached = await alternate(ROUNDS, ['position', 'sequence'] as const, by =>
    costOf(CACHED_READS, i => get(by, ofOneFrame[i % ofOneFrame.length]!))
  )
  const warm = await alternate(ROUNDS, ['position', 'sequence'] as const, by => {
    const order = shuffled(frames.length, turn++)
    return costOf(Math.min(WARM_READS, frames.length), i => get(by, frames[order[i]!]!))
  })
  const descriptors = openSegments(directory)
  const into = Buffer.allocUnsafeSlow(BARE_BYTES)
  const cold = await alternate(ROUNDS, CONTENDERS, async contender => {
    const order = shuffled(frames.length, 1000 + Math.floor(coldTurn++ / CONTENDERS.length)) // The same for all contenders of a round.
    dropPageCache()
    return costOf(COLD_READS, async i => {
      const place = frames[order[i]!]!
      if (contender !== 'bare') return get(contender, place)
      const { segment, offset } = place.position
      await readAt(descriptors.get(segment)!, into, 0, BARE_BYTES, offset)
    })
  })
  for (const descriptor of descriptors.values()) closeSync(descriptor)
  return {
    cached: { position: cached[0]!, sequence: cached[1]! },
    warm: { position: warm[0]!, sequence: warm[1]! },
    cold: { position: cold[0]!, sequence: cold[1]!, bare: cold[2]! }
  }
}

/** Descriptors by the number of the segment: the names of the files are in order, and the first segment is 1. */
function openSegments(directory: string): Map<number, number> {
  const names = readdirSync(directory)
    .filter(name => /^\d+/.test(name))
    .sort()
  return new Map(names.map((name, i) => [i + 1, openSync(join(directory, name), 'r')]))
}

function samePlace(a: Position, b: Position): boolean {
  return a.segment === b.segment && a.offset === b.offset
}

function medianCost(rounds: readonly Cost[]): Cost {
  return { us: medianOf(rounds, ({ us }) => us), bytes: medianOf(rounds, ({ bytes }) => bytes) }
}

function usOf(rounds: readonly Cost[]): number[] {
  return rounds.map(({ us }) => us)
}

import { CompressedKvError, type CorruptRange, type InspectedLog, type Position, type WalEntry } from '../../index.js'
import { codeOf, describe } from '../failure.js'

/** What reading a whole log found. */
export interface LogFindings {
  readonly segments: readonly SegmentFindings[]
  /** Records that can be read. */
  readonly records: number
  /** Bytes at the end that a crash left half-written. */
  readonly torn: number
  /** What is damaged, in words. */
  readonly damage: readonly string[]
}

interface SegmentFindings {
  readonly segment: number
  readonly frames: number
  readonly records: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly first: Position
  readonly last: Position
}

type Opener = (options: { recovery: 'tail' | 'salvage' }) => Promise<InspectedLog>

export interface ReadLogOptions {
  /** Whether the snapshots of a sound log are read as well. Those of a damaged one always are. */
  readonly snapshots?: boolean
  /** Called with every record. */
  readonly onEntry?: (entry: WalEntry) => Promise<void>
}

/** Reads all that can be read of a log. */
export async function readLog(
  open: Opener,
  signal: AbortSignal,
  { snapshots = false, onEntry = async () => {} }: ReadLogOptions = {}
): Promise<LogFindings> {
  const { log, torn, damage } = await openWhatThereIs(open, snapshots)
  const segments: Mutable<SegmentFindings>[] = []
  let records = 0
  let frame: Position | undefined
  try {
    for await (const entry of readableEntries(log, signal, damage)) {
      const { segment, offset } = entry.position
      records++
      note(segments, entry, frame?.segment !== segment || frame.offset !== offset)
      frame = entry.position
      await onEntry(entry)
    }
    for (const { segment, from, to, why } of log.recovery.corruption) {
      if (torn.some(end => end.segment === segment && end.from <= from)) continue
      const bytes = from === to ? '' : `, bytes ${from} to ${to}` // A file that is missing has none.
      damage.push(`segment ${segment}${bytes}: ${why}`)
    }
    segments.sort((one, other) => one.segment - other.segment)
    return { segments, records, torn: torn.reduce((sum, { from, to }) => sum + to - from, 0), damage }
  } finally {
    await log.close()
  }
}

interface Opened {
  readonly log: InspectedLog
  /** What a crash left half-written at the end. It is no damage: a store opens such a log. */
  readonly torn: readonly CorruptRange[]
  readonly damage: string[]
}

/** Opens a log as a store does. If it is damaged, or if its snapshots are wanted, it is opened to salvage all that can be read. */
async function openWhatThereIs(open: Opener, snapshots: boolean): Promise<Opened> {
  try {
    const log = await open({ recovery: 'tail' })
    const torn = log.recovery.corruption
    if (!snapshots || log.recovery.segments === 0) return { log, torn, damage: [] }
    await log.close()
    return { log: await open({ recovery: 'salvage' }), torn, damage: [] }
  } catch (error) {
    if (!isCorruption(error)) throw error
    return { log: await open({ recovery: 'salvage' }), torn: [], damage: [describe(error).message] }
  }
}

/** All records but those whose own envelopes cannot be opened. Of a log with snapshots, salvaging has left these out already. */
async function* readableEntries(
  { reader }: InspectedLog,
  signal: AbortSignal,
  damage: string[]
): AsyncGenerator<WalEntry, void, undefined> {
  for (let next: number | undefined; next === undefined || next < reader.nextSequence;) {
    try {
      for await (const entry of reader.read({ signal, ...(next !== undefined && { from: next }) })) {
        next = entry.record.sequence + 1
        yield entry
      }
      return
    } catch (error) {
      if (!isUnreadable(error)) throw error
      const unreadable = await firstThere(reader, next ?? reader.firstSequence)
      damage.push(`record ${unreadable}: ${describe(error).message}`)
      next = await firstThere(reader, unreadable + 1)
    }
  }
}

/** The number of the first record from `from` on that is there, whether it can be read or not; `nextSequence` if there is none. */
async function firstThere(reader: InspectedLog['reader'], from: number): Promise<number> {
  let sequence = from
  while (sequence < reader.nextSequence && !(await isThere(reader, sequence))) sequence++
  return sequence
}

async function isThere(reader: InspectedLog['reader'], sequence: number): Promise<boolean> {
  try {
    await reader.get(sequence)
    return true
  } catch (error) {
    return codeOf(error) !== 'CKV_OUT_OF_RANGE'
  }
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

/** Adds a record to what was found of its segment. Snapshots are read first, so that records of a segment may come in two runs. */
function note(
  segments: Mutable<SegmentFindings>[],
  { record: { sequence }, position }: WalEntry,
  beginsFrame: boolean
): void {
  let found = segments.findLast(({ segment }) => segment === position.segment)
  if (found === undefined) {
    const empty = { frames: 0, records: 0, firstSequence: sequence, lastSequence: sequence }
    found = { segment: position.segment, ...empty, first: position, last: position }
    segments.push(found)
  }
  if (beginsFrame) found.frames++
  found.records++
  found.firstSequence = Math.min(found.firstSequence, sequence)
  found.lastSequence = Math.max(found.lastSequence, sequence)
  if (position.offset < found.first.offset) found.first = position
  if (position.offset >= found.last.offset) found.last = position
}

function isCorruption(error: unknown): boolean {
  return error instanceof CompressedKvError && error.code === 'LEVEL_CORRUPTION'
}

const UNREADABLE: ReadonlySet<string> = new Set([
  'LEVEL_CORRUPTION',
  'LEVEL_NOT_SUPPORTED',
  'CKV_CODEC_UNAVAILABLE',
  'CKV_VALUE_TOO_LARGE'
])

/** Whether the error says that a value cannot be read. */
function isUnreadable(error: unknown): boolean {
  return error instanceof CompressedKvError && UNREADABLE.has(error.code)
}

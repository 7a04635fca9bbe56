import { CompressedKvError, type InspectedLog, type Position, type WalEntry } from '../index.js'
import { codeOf, describe } from './failure.js'

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

export interface SegmentFindings {
  readonly segment: number
  readonly frames: number
  readonly records: number
  readonly firstSequence: number
  readonly lastSequence: number
  readonly first: Position
  readonly last: Position
}

type Opener = (options: { recovery: 'tail' | 'salvage' }) => Promise<InspectedLog>

/**
 * Reads all that can be read of a log.
 *
 * @param onEntry is given every record
 */
export async function readLog(
  open: Opener,
  signal: AbortSignal,
  onEntry: (entry: WalEntry) => Promise<void> = async () => {}
): Promise<LogFindings> {
  const { log, damage } = await openWhatThereIs(open)
  const segments: Mutable<SegmentFindings>[] = []
  let records = 0
  try {
    const { corruption } = log.recovery
    for await (const entry of readableEntries(log, signal, damage)) {
      records++
      note(segments, entry)
      await onEntry(entry)
    }
    if (damage.length === 0) {
      return { segments, records, torn: corruption.reduce((sum, { from, to }) => sum + to - from, 0), damage }
    }
    const ranges = corruption.map(({ segment, from, to, why }) => `segment ${segment}, bytes ${from} to ${to}: ${why}`)
    return { segments, records, torn: 0, damage: [...damage, ...ranges] }
  } finally {
    await log.close()
  }
}

/** A torn end is no damage: then the log opens as a store opens it. */
async function openWhatThereIs(open: Opener): Promise<{ log: InspectedLog; damage: string[] }> {
  try {
    return { log: await open({ recovery: 'tail' }), damage: [] }
  } catch (error) {
    if (!isCorruption(error)) throw error
    return { log: await open({ recovery: 'salvage' }), damage: [describe(error).message] }
  }
}

/** Goes on behind a record whose own envelope cannot be opened. */
async function* readableEntries(
  { reader }: InspectedLog,
  signal: AbortSignal,
  damage: string[]
): AsyncGenerator<WalEntry, void, undefined> {
  for (let next = await firstThere(reader, reader.firstSequence); next < reader.nextSequence;) {
    try {
      for await (const entry of reader.read({ signal, from: next })) {
        next = entry.record.sequence + 1
        yield entry
      }
      return
    } catch (error) {
      if (!isUnreadable(error)) throw error
      const unreadable = await firstThere(reader, next)
      damage.push(`record ${unreadable}: ${describe(error).message}`)
      next = await firstThere(reader, unreadable + 1)
    }
  }
}

/** Number of the first record from one on that is neither hidden nor lost, readable or not; `nextSequence` if there is none. */
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

function note(segments: Mutable<SegmentFindings>[], { record, position }: WalEntry): void {
  let current = segments.at(-1)
  if (current?.segment !== position.segment) {
    const { sequence } = record
    const empty = { frames: 0, records: 0, firstSequence: sequence, lastSequence: sequence }
    current = { segment: position.segment, ...empty, first: position, last: position }
    segments.push(current)
  }
  if (current.records === 0 || current.last.offset !== position.offset) current.frames++
  current.records++
  current.lastSequence = record.sequence
  current.last = position
}

function isCorruption(error: unknown): boolean {
  return error instanceof CompressedKvError && error.code === 'LEVEL_CORRUPTION'
}

/** Whether it says that a value cannot be read. */
function isUnreadable(error: unknown): boolean {
  return error instanceof CompressedKvError && UNREADABLE.has(error.code)
}

const UNREADABLE: ReadonlySet<string> = new Set([
  'LEVEL_CORRUPTION',
  'LEVEL_NOT_SUPPORTED',
  'CKV_CODEC_UNAVAILABLE',
  'CKV_VALUE_TOO_LARGE'
])

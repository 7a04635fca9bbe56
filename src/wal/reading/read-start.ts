import { invalidOption } from '../../errors.js'
import type { OptionTable } from '../../known-options.js'
import { noSuchFrame, type Position } from '../format/position.js'
import { noSuchSegment, type Segments } from '../segments/segments.js'
import type { CursorStart } from './frame-cursor.js'
import type { PointReader } from './point-reader.js'

export interface ReadOptions {
  /**
   * The record to begin with, by position or sequence number; the end of the log is allowed.
   * @default the oldest there is
   */
  readonly from?: Position | number | undefined
  /**
   * Waits for more at the end, until the log is closed or the loop is left.
   * @default false
   */
  readonly follow?: boolean | undefined
  /** Ends the loop with its reason. */
  readonly signal?: AbortSignal | undefined
}

export const READ_OPTIONS = {
  from: 'any',
  follow: 'boolean',
  signal: 'signal'
} as const satisfies OptionTable<ReadOptions>

/** Where the next record will lie, and its number. */
export interface LogEnd {
  readonly position: Position
  readonly sequence: number
}

interface Start {
  readonly start: CursorStart
  /** Records with lower numbers are left out. */
  readonly sequence: number
  /** Position of the first record, if reading begins at a position. */
  readonly position: Position | undefined
}

/**
 * Where reading begins.
 *
 * @throws CKV_OUT_OF_RANGE, CKV_INVALID_OPTION, LEVEL_CORRUPTION
 */
export async function resolveStart(
  from: Position | number | undefined,
  segments: Segments,
  points: PointReader,
  end: LogEnd
): Promise<Start> {
  if (from === undefined) return { start: { segment: 0, offset: 0 }, sequence: 0, position: undefined }
  if (typeof from === 'number') {
    const start = from === end.sequence ? end.position : await points.frameOf(from)
    return { start, sequence: from, position: undefined }
  }
  const { segment: id, offset, index } = asPosition(from)
  const isEnd = id === end.position.segment && offset === end.position.offset && index === 0
  if (isEnd) return { start: from, sequence: 0, position: undefined }
  const segment = segments.byId(id)
  if (segment === undefined) throw noSuchSegment(id)
  const run = segment.runs.find(place => offset >= place.from && offset <= place.to)
  if (run === undefined || index < 0) throw noSuchFrame(id, offset)
  if (offset < run.to) await points.assertFrame(segment, offset, run)
  return { start: from, sequence: 0, position: from }
}

/**
 * @param what must be one, for the message
 * @throws CKV_INVALID_OPTION
 */
export function asPosition(
  position: Position,
  what = 'A place in the log is a position, as append() gives it, or a sequence number'
): Position {
  const { segment, offset, index } = position ?? {}
  if (Number.isInteger(segment) && Number.isInteger(offset) && Number.isInteger(index)) return position
  throw invalidOption(what)
}

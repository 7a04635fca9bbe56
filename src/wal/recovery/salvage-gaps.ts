import type { SegmentEnd } from '../format/segment-header.js'
import type { CorruptRange } from './recovered-log.js'

/** A segment whose end may be missing, and how far it reaches. */
export interface Reach {
  readonly id: number
  /** The offset up to which it was read or skipped. */
  readonly end: number
}

/**
 * What is missing before a segment although no damage shows it: whole files, or the end of one that was cut off between two frames. Files that are
 * missing before the first segment are not reported, since they may have been deleted on purpose.
 *
 * @param before the last segment before it that is there; undefined if there is none
 * @param said what its header says of the segment before it; undefined if the header is damaged
 */
export function gapsBefore(id: number, before: Reach | undefined, said: SegmentEnd | undefined): CorruptRange[] {
  if (before === undefined) return []
  const next = before.id + 1
  if (id > next) {
    const why = id === next + 1 ? 'the segment is missing' : `the segments up to ${id - 1} are missing`
    return [{ segment: next, from: 0, to: 0, why }]
  }
  if (said === undefined || before.end >= said.length) return []
  return [{ segment: before.id, from: before.end, to: said.length, why: 'the end of the segment is missing' }]
}

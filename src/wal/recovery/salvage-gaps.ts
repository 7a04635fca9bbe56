import type { SegmentEnd } from '../format/segment-header.js'
import type { CorruptRange } from './recovered-log.js'

/** How far a segment reaches of which a part may be gone. */
export interface Reach {
  readonly id: number
  /** Where what was read or skipped of it ends. */
  readonly end: number
}

/**
 * What is gone before a segment though no damage shows it: whole files, or an end that was cut off between two frames. Before the first segment
 * that is left others may have been deleted on purpose.
 *
 * @param before the segment before it that is left, if any is
 * @param said what its header says of the one before it; undefined if the header is damaged
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

import { corruption, outOfRange } from '../../errors.js'

/** Where a record lies in a log. It never changes, not even when segments before it are deleted. */
export interface Position {
  /** Id of the segment, the number in its file's name. */
  readonly segment: number
  /** Offset of the record's frame in the segment's file, in bytes. */
  readonly offset: number
  /** Index of the record in the frame, from 0. */
  readonly index: number
}

/** Compares positions, for `sort()`: negative if `a` is before `b`, 0 if they are equal, else positive. */
export function comparePositions(a: Position, b: Position): number {
  return a.segment - b.segment || a.offset - b.offset || a.index - b.index
}

export function noSuchFrame(segment: number, offset: number): Error {
  return outOfRange(`Segment ${segment} of the log has no frame at ${offset}`)
}

export function damagedFrame(segment: number, offset: number): Error {
  return corruption(`the frame at ${offset} of segment ${segment} of the log is damaged`)
}

/** @param count how many records the frame has */
export function noSuchIndex(index: number, count: number): Error {
  return outOfRange(`The frame at this position has ${count} records, and none with the index ${index}`)
}

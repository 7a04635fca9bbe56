import type { FrameIndex } from './frame-index.js'

/** Where a snapshot begins or ends. */
export type SnapshotMark =
  /** `sequence` is that of the last record which the snapshot contains. */
  | { readonly type: 'begin'; readonly sequence: number; readonly offset: number }
  | { readonly type: 'end'; readonly offset: number }

/** A part of a segment's file, the offsets `[from, to)`, in which one frame follows another. */
export interface Run {
  readonly from: number
  readonly to: number
}

/** A segment that can be read. */
export interface RecoveredSegment {
  readonly id: number
  readonly seed: number
  readonly firstSequence: number
  /** Its readable frames: all except the seal and what salvage skips. */
  readonly runs: readonly Run[]
  readonly index: FrameIndex
  readonly snapshots: readonly SnapshotMark[]
}

/** Which records a segment holds; without any, the last is one below the first. */
export interface SegmentExtent {
  readonly firstSequence: number
  readonly lastSequence: number
  /** ms since 1970 */
  readonly createdAt: number
}

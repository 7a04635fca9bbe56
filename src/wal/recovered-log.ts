import type { FrameIndex } from './frame-index.js'
import type { SnapshotMark } from './intact-frames.js'
import type { SalvagedSnapshots } from './salvaged-records.js'
import type { LogTail } from './segment-header.js'

/*
 * What opening a log gives, whether it was recovered or salvaged.
 */

/** A part of the log that was not readable, or is gone. */
export interface CorruptRange {
  readonly segment: number
  /** Offsets in the segment's file, bytes, `[from, to)`; both 0 if the file is missing. */
  readonly from: number
  readonly to: number
  readonly why: string
}

/** What opening a log found. */
export interface RecoveryReport {
  /** Records that can be read; with `recovery: 'salvage'` those of snapshots as well. */
  readonly records: number
  readonly segments: number
  /** Cut off the end, and kept in files of their own. With `readOnly` they are only left out. */
  readonly bytesTruncated: number
  /** What was cut, or, with `recovery: 'salvage'`, skipped or found missing. */
  readonly corruption: readonly CorruptRange[]
}

/** Offsets in a segment's file, `[from, to)`, between which it is frame after frame. */
export interface Run {
  readonly from: number
  readonly to: number
}

/** A segment that can be read. */
export interface RecoveredSegment {
  readonly id: number
  readonly seed: number
  readonly firstSequence: number
  /** Its readable frames: all of them but the seal, and but for what salvage skips. */
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

export interface RecoveredLog {
  readonly storeId: Buffer | undefined
  readonly segments: readonly RecoveredSegment[]
  readonly tail: LogTail
  readonly report: RecoveryReport
  /** With `recovery: 'salvage'`, if there is anything of snapshots. */
  readonly snapshots?: SalvagedSnapshots | undefined
}

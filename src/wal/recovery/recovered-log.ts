import type { LogTail } from '../format/segment-header.js'
import type { SalvagedSnapshots } from '../reading/salvage-cursor.js'
import type { RecoveredSegment } from '../segments/recovered-segment.js'

/*
 * The result of opening a log, by recovery or by salvage.
 */

/** A part of the log that could not be read, or is missing. */
export interface CorruptRange {
  readonly segment: number
  /** Offsets in the segment's file, bytes, `[from, to)`; both 0 if the file is missing. */
  readonly from: number
  readonly to: number
  readonly why: string
}

/** What opening a log found. */
export interface RecoveryReport {
  /** How many records can be read; with `recovery: 'salvage'` those of snapshots included. */
  readonly records: number
  readonly segments: number
  /** How many bytes were cut off the end; they are kept in files of their own. With `readOnly` they are only left out. */
  readonly bytesTruncated: number
  /** What was cut off; with `recovery: 'salvage'`, what was skipped or is missing. */
  readonly corruption: readonly CorruptRange[]
}

export interface RecoveredLog {
  readonly storeId: Buffer | undefined
  readonly segments: readonly RecoveredSegment[]
  readonly tail: LogTail
  readonly report: RecoveryReport
  /** With `recovery: 'salvage'`, if there are records of snapshots. */
  readonly snapshots?: SalvagedSnapshots | undefined
}

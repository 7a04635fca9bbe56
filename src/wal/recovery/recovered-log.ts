import type { LogTail } from '../format/segment-header.js'
import type { SalvagedSnapshots } from '../reading/salvage-cursor.js'
import type { RecoveredSegment } from '../segments/recovered-segment.js'

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

export interface RecoveredLog {
  readonly storeId: Buffer | undefined
  readonly segments: readonly RecoveredSegment[]
  readonly tail: LogTail
  readonly report: RecoveryReport
  /** With `recovery: 'salvage'`, if there is anything of snapshots. */
  readonly snapshots?: SalvagedSnapshots | undefined
}

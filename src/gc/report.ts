/** What a sweep did. */
export interface GcReport {
  /** Values looked at. */
  readonly scanned: number
  /** Values that were stored in another compressed form. */
  readonly recompressed: number
  /** Values in which it was noted that compressing them does not pay. */
  readonly probed: number
  /** Values removed because their time to live was over. */
  readonly expired: number
  /** Values that the policy removed. */
  readonly dropped: number
  /** Plain values from before the database was wrapped that got an envelope. */
  readonly enveloped: number
  /** Values that were not rewritten because their keys were written to meanwhile. */
  readonly overtaken: number
  /** Values that could not be read, or for which the policy failed; they are left as they are. */
  readonly failed: number
  /** The last error that made one fail; or a `TimeoutError` if the policy did not answer when the sweep was stopped. */
  readonly lastError: unknown
  /** Stored bytes of the values before the sweep. */
  readonly bytesBefore: number
  /** Stored bytes of the same values after it. */
  readonly bytesAfter: number
  readonly seconds: number
  /** Whether the sweep reached the last key. */
  readonly complete: boolean
  /** Whether the sweep continued an earlier one that was interrupted. */
  readonly resumed: boolean
}

export type GcCounts = { -readonly [Name in keyof GcReport]: GcReport[Name] }

export function emptyReport(resumed: boolean): GcCounts {
  return {
    scanned: 0,
    recompressed: 0,
    probed: 0,
    expired: 0,
    dropped: 0,
    enveloped: 0,
    overtaken: 0,
    failed: 0,
    lastError: undefined,
    bytesBefore: 0,
    bytesAfter: 0,
    seconds: 0,
    complete: false,
    resumed
  }
}

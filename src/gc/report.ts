/** What a sweep did. */
export interface GcReport {
  /** Values looked at. */
  readonly scanned: number
  /** Values that got another compressed form. */
  readonly recompressed: number
  /** Values that remember an attempt that did not pay. */
  readonly probed: number
  /** Values removed because their time to live was over. */
  readonly expired: number
  /** Values that the policy removed. */
  readonly dropped: number
  /** Plain values from before the database was wrapped that got an envelope. */
  readonly enveloped: number
  /** Values left because somebody wrote to their keys meanwhile. */
  readonly overtaken: number
  /** Values that could not be read, or for which the policy failed; they are left as they are. */
  readonly failed: number
  /** The last reason for that; or a `TimeoutError` of a policy that did not answer when the sweep was to stop. */
  readonly lastError: unknown
  /** Bytes of the values as they were stored, and as they are now. */
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly seconds: number
  /** Whether the sweep came to the end. */
  readonly complete: boolean
  /** Whether it went on where an earlier one was interrupted. */
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

import type { Gc } from './policy.js'
import { emptyReport, type GcCounts } from './report.js'
import { decodeSweepState } from './sweep-state.js'

/** A sweep under way. */
export interface Sweep {
  readonly policy: Gc
  /** Whether it tries values again that earlier sweeps have tried. */
  readonly force: boolean
  readonly signal: AbortSignal
  readonly report: GcCounts
  /** The last key that was swept. */
  lastKey: Buffer | undefined
  /** Whether a plain value was left as it was. */
  plainLeft: boolean
  /** Stored bytes that the rewritten values had before. */
  rewritten: number
}

/** @param state where an earlier sweep was interrupted: it is resumed if it had the same policy, unless `force` begins anew */
export function beginSweep(policy: Gc, force: boolean, state: Buffer, signal: AbortSignal): Sweep {
  const left = force ? undefined : decodeSweepState(state)
  // Without an id a sweep is never remembered.
  const resumed = left !== undefined && left.policyId === policy.id ? left : undefined
  return {
    policy,
    force,
    signal,
    report: emptyReport(resumed !== undefined),
    lastKey: resumed?.lastKey,
    plainLeft: resumed?.plainLeft ?? false,
    rewritten: 0
  }
}

import { type Gc, type GcDecision, KEEP } from './policy.js'

/** Leaves every value as it is. A sweep with this policy only removes what has expired, and calls no codec. */
export class NoGc implements Gc {
  readonly id = 'none'

  process(): GcDecision {
    return KEEP
  }
}

import type { Gc, GcDecision, StoredValue } from 'compressed-kv'

/** What a policy made codecs do. */
export interface CodecCalls {
  /** Values that were asked for, which calls a codec if they are compressed. */
  restored: number
  /** Values that a codec was tried on: a decision of each says so. */
  compressed: number
}

/** A policy that decides as another does, and counts. */
export function counting(policy: Gc, calls: CodecCalls): Gc {
  return {
    ...(policy.id === undefined ? {} : { id: policy.id }),
    process: value => counted(policy, value, calls)
  }
}

function counted(policy: Gc, value: StoredValue, calls: CodecCalls): GcDecision | Promise<GcDecision> {
  const raw = () => {
    calls.restored++
    return value.raw()
  }
  const decision = policy.process({ ...value, raw })
  return decision instanceof Promise ? decision.then(made => count(made, calls)) : count(decision, calls)
}

function count(decision: GcDecision, calls: CodecCalls): GcDecision {
  if (decision.action === 'recompress' || decision.action === 'probed') calls.compressed++
  return decision
}

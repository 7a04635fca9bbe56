import type { Gc, GcDecision, StoredValue } from 'compressed-kv'

/** How often a policy made codecs work. */
export interface CodecCalls {
  /** Values that the policy asked for: a codec restores those that are compressed. */
  restored: number
  /** Values that a codec was tried on, as the policy's decision says. */
  compressed: number
}

/** A policy that decides as another does, and counts the calls of codecs. */
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

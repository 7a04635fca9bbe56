import { codecForWriting } from '../codec/registry.js'
import type { Rewrite, SweptEntry } from './host.js'
import { type Gc, type GcDecision, KEEP } from './policy.js'
import type { GcCounts } from './report.js'
import { Slice } from './slice.js'

/** Where a sweep is. */
export interface Sweep {
  lastKey: Buffer | undefined
  plainLeft: boolean
  /** Bytes of what was written anew, as they were stored before. */
  rewritten: number
}

/** Values that are judged at once: a sweep that is stopped does not begin with the others. */
const MAX_JUDGED = 16

/**
 * What is to be written anew; the others are counted as they are.
 *
 * @returns also how many entries were judged: all, unless the sweep is stopped
 */
export async function decideAll(
  entries: readonly SweptEntry[],
  policy: Gc,
  force: boolean,
  report: GcCounts,
  signal: AbortSignal
): Promise<{ rewrites: Rewrite[]; judged: number }> {
  const decisions: (GcDecision | undefined)[] = []
  const slice = new Slice() // Policies compress small values on the calling thread.
  while (decisions.length < entries.length && !signal.aborted) {
    const deciding: Promise<GcDecision | undefined>[] = []
    for (const entry of entries.slice(decisions.length, decisions.length + MAX_JUDGED)) {
      deciding.push(decide(entry, policy, force, report))
      await slice.next()
    }
    decisions.push(...(await Promise.all(deciding)))
  }
  const rewrites: Rewrite[] = []
  for (const [i, decision] of decisions.entries()) {
    const entry = entries[i]!
    report.scanned++
    report.bytesBefore += entry.storedBytes
    if (decision === undefined || (decision.action === 'keep' && !entry.plain)) report.bytesAfter += entry.storedBytes
    else rewrites.push({ entry, decision })
  }
  return { rewrites, judged: decisions.length }
}

/** undefined where the value cannot be judged: then it stays as it is. */
async function decide(
  { value, expired, plain, error }: SweptEntry,
  policy: Gc,
  force: boolean,
  report: GcCounts
): Promise<GcDecision | undefined> {
  if (expired) return { action: 'drop' }
  try {
    if (value === undefined) throw error
    return checked(await policy.process(force ? { ...value, probe: undefined } : value))
  } catch (failure) {
    report.failed++
    report.lastError = failure
    return plain ? KEEP : undefined
  }
}

/** @throws for what is no decision: a policy of a user's own may return anything */
function checked(decision: GcDecision): GcDecision {
  const { action } = decision
  if (action === 'recompress' || action === 'probed') codecForWriting(decision.codec)
  if (action === 'recompress' && !(decision.compressed instanceof Uint8Array)) {
    throw new TypeError("A decision to recompress has the codec's output as `compressed`, a Uint8Array")
  }
  if (!['keep', 'recompress', 'probed', 'drop'].includes(action))
    throw new TypeError(`Not a decision: '${action as string}'`)
  return decision
}

/** Counts what was rewritten. */
export function note(
  report: GcCounts,
  sweep: Sweep,
  rewrites: readonly Rewrite[],
  storedBytes: readonly (number | undefined)[]
): void {
  for (const [i, { entry, decision }] of rewrites.entries()) {
    const now = storedBytes[i]
    if (now === undefined) {
      report.overtaken++
      report.bytesAfter += entry.storedBytes
      sweep.plainLeft ||= entry.plain
      continue
    }
    report.bytesAfter += now
    sweep.rewritten += entry.storedBytes
    if (entry.plain && decision.action !== 'drop') report.enveloped++
    if (decision.action === 'recompress') report.recompressed++
    else if (decision.action === 'probed') report.probed++
    else if (decision.action === 'drop') report[entry.expired ? 'expired' : 'dropped']++
  }
}

import { isUint8Array } from 'node:util/types'
import { codecForWriting } from '../codec/registry.js'
import type { Rewrite, SweptEntry } from './host.js'
import { type GcDecision, KEEP, type StoredValue } from './policy.js'
import { Slice } from './slice.js'
import type { Sweep } from './sweep.js'

/** How many values are judged at once: a sweep that is stopped does not begin to judge more. */
const MAX_JUDGED = 16

/** How long a sweep that is to stop waits for its policy's answer, in ms. */
export const MAX_ANSWER_MS = 5000

/**
 * Asks the sweep's policy what becomes of entries, and counts those that stay as they are.
 *
 * @returns `rewrites`, what is to be rewritten; `judged`, how many entries were judged, which is all unless the sweep was stopped; and `unanswered`,
 *   an error if the policy did not answer when the sweep was stopped
 */
export async function decideAll(
  entries: readonly SweptEntry[],
  sweep: Sweep
): Promise<{ rewrites: Rewrite[]; judged: number; unanswered: Error | undefined }> {
  const { report, signal } = sweep
  const decisions: (GcDecision | undefined)[] = []
  let unanswered: Error | undefined
  const slice = new Slice() // Policies compress small values on the calling thread.
  while (decisions.length < entries.length && !signal.aborted) {
    const deciding: Promise<GcDecision | undefined>[] = []
    for (const entry of entries.slice(decisions.length, decisions.length + MAX_JUDGED)) {
      deciding.push(decide(entry, sweep))
      await slice.next()
    }
    const answers = await answersUnlessStopped(Promise.all(deciding), signal)
    if (answers === undefined) {
      unanswered = report.lastError = noAnswer()
      break
    }
    decisions.push(...answers)
  }
  const rewrites: Rewrite[] = []
  for (const [i, decision] of decisions.entries()) {
    const entry = entries[i]!
    report.scanned++
    report.bytesBefore += entry.storedBytes
    if (decision !== undefined && (decision.action !== 'keep' || entry.plain)) rewrites.push({ entry, decision })
    else {
      report.bytesAfter += entry.storedBytes
      sweep.plainLeft ||= entry.plain
    }
  }
  return { rewrites, judged: decisions.length, unanswered }
}

/** @returns undefined if the sweep is stopped and the answers do not come within {@link MAX_ANSWER_MS} after that */
function answersUnlessStopped<T>(answers: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise(resolve => {
    let timer: NodeJS.Timeout | undefined
    const hurry = () => {
      timer = setTimeout(resolve, MAX_ANSWER_MS, undefined)
    }
    if (signal.aborted) hurry()
    else signal.addEventListener('abort', hurry, { once: true })
    void answers.then(resolve).finally(() => {
      clearTimeout(timer)
      signal.removeEventListener('abort', hurry)
    })
  })
}

function noAnswer(): Error {
  const what = `The policy of a sweep has not answered within ${MAX_ANSWER_MS} ms after the sweep was stopped`
  return new DOMException(`${what}: its values stay as they are`, 'TimeoutError')
}

/** What becomes of an entry; undefined if its value cannot be judged, so that it stays as it is. */
async function decide(
  { value, expired, plain, error }: SweptEntry,
  { policy, force, report }: Sweep
): Promise<GcDecision | undefined> {
  if (expired) return { action: 'drop' }
  try {
    if (value === undefined) throw error
    return checked(await policy.process(force ? { ...value, probe: undefined } : value), value)
  } catch (failure) {
    report.failed++
    report.lastError = failure
    return plain && value !== undefined ? KEEP : undefined
  }
}

/** @throws TypeError for what is no decision: a user's own policy may return anything */
function checked(decision: GcDecision, { offer }: StoredValue): GcDecision {
  const { action } = decision
  if (action === 'recompress' || action === 'probed') {
    codecForWriting(decision.codec)
    if (typeof decision.codec === 'string') throw new TypeError('A decision has the codec itself, not its name')
  }
  if (action === 'recompress') {
    const { compressed, dictionary } = decision
    if (!isUint8Array(compressed)) {
      throw new TypeError("A decision to recompress has the codec's output as `compressed`, a Uint8Array")
    }
    if (dictionary !== undefined && dictionary !== offer?.id) {
      throw new TypeError('The `dictionary` of a decision is the id of the offer that made it, or undefined')
    }
  }
  if (!['keep', 'recompress', 'probed', 'drop'].includes(action))
    throw new TypeError(`Not a decision: '${action as string}'`)
  return decision
}

/**
 * Counts what was rewritten.
 *
 * @param storedBytes for each rewrite, how many bytes it takes now; undefined if its key was written to meanwhile, so that it was left out
 */
export function noteRewritten(
  sweep: Sweep,
  rewrites: readonly Rewrite[],
  storedBytes: readonly (number | undefined)[]
): void {
  const { report } = sweep
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

/**
 * Why each of the calls failed, `undefined` for one that did not. All of them are listened to at once: where they are
 * awaited one after another, one that fails while an earlier one is still waiting is an unhandled rejection.
 */
export async function failures(calls: readonly PromiseLike<unknown>[]): Promise<unknown[]> {
  const outcomes = await Promise.allSettled(calls)
  return outcomes.map(outcome => (outcome.status === 'rejected' ? (outcome.reason as unknown) : undefined))
}

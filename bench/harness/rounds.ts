import { median } from './median.js'

/**
 * Runs every contender once a round, A B C, B C A, ..., so that a noisy moment of the machine and what the one before left behind
 * hit all of them alike. There is no collection in between: it throws away optimized code with the garbage, and the next run would
 * start slow.
 *
 * @returns for each contender its result of every round
 */
export async function alternate<C, R>(
  rounds: number,
  contenders: readonly C[],
  run: (contender: C) => Promise<R>
): Promise<R[][]> {
  const results: R[][] = contenders.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const i = (round + turn) % contenders.length
      results[i]!.push(await run(contenders[i]!))
    }
  }
  return results
}

/** Median of the quotients round by round: a round's noise is in both of its figures. */
export function medianQuotient(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((numerator, round) => numerator / denominators[round]!))
}

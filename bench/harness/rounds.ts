import { median } from './median.js'

/**
 * Runs every contender once in each round, A B C, B C A, ..., so that a noisy moment of the machine, and what a contender leaves behind for the next,
 * hit all of them alike. Garbage is not collected in between: that would throw away optimized code as well, and the next run would start slow.
 *
 * @returns for each contender its results, round by round
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

/** The median of the rounds' quotients: the noise of a round is in both of its figures. */
export function medianQuotient(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((numerator, round) => numerator / denominators[round]!))
}

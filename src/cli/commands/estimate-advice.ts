import type { Trial } from './estimate-trial.js'

/** Below this a store is not worth what it costs in time. */
const LEAST_SAVING = 0.05
/** Candidates this close to the smallest are as good: then time decides. */
const AS_GOOD = 0.03

/** An expectation of the whole database with one candidate. */
export interface Expectation extends Trial {
  /** Bytes on disk. */
  readonly expected: number
}

/** @returns the candidate to use; undefined to stay with Snappy alone */
export function advise(bare: Expectation, others: readonly Expectation[]): Expectation | undefined {
  const smallest = Math.min(...others.map(({ expected }) => expected))
  if (!(smallest <= bare.expected * (1 - LEAST_SAVING))) return undefined
  return others
    .filter(({ expected }) => expected <= smallest * (1 + AS_GOOD))
    .sort((a, b) => a.microsecondsPerPut - b.microsecondsPerPut)[0]
}

/** Scales what the sample took to the whole. The files beside the tables do not grow with it. */
export function expect(trial: Trial, share: number): Expectation {
  return { ...trial, expected: Math.round(trial.tables / share + trial.others) }
}

import type { Trial } from './estimate-trial.js'

/** A store that saves a smaller share than this is not worth the time that it costs. */
const LEAST_SAVING = 0.05
/** Candidates that are larger than the smallest by no more than this share are as good: among them time decides. */
const AS_GOOD = 0.03

/** What the whole database is expected to take with one candidate. */
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

/** Scales what the sample took up to the whole database. LevelDB's other files, beside the tables, do not grow with it. */
export function expect(trial: Trial, share: number): Expectation {
  return { ...trial, expected: Math.round(trial.tables / share + trial.others) }
}

/** What was found out about one segment. */
export interface SegmentFacts {
  /** 'torn': the file is at most a header long, or all zeros. */
  readonly header: 'sound' | 'torn' | 'bad'
  readonly last: boolean
  /** Whether its header agrees with the last sequence number, length and CRC of the segment before. */
  readonly fits: boolean
  /** How its frames end. 'undecodable': checksums hold but the contents contradict themselves. */
  readonly end: 'sealed' | 'unsealed' | 'bad frame' | 'undecodable'
  /** Whether an intact frame after the bad bytes says that those were once on stable storage, or is the seal. */
  readonly vouched: boolean
}

export type RecoveryAction = 'accept' | 'set aside' | 'cut' | 'refuse'

interface RecoveryCase {
  /** Becomes part of the error or of the report. */
  readonly name: string
  readonly applies: (facts: SegmentFacts) => boolean
  readonly action: RecoveryAction
}

/**
 * What opening a log does with a segment: what the first case says that applies. A log is refused if something is missing that was once on stable
 * storage, or may have been. Only bytes are cut off for which no later frame vouches.
 */
export const RECOVERY_CASES: readonly RecoveryCase[] = [
  {
    name: 'a crash while the segment was being made',
    applies: ({ header, last }) => header === 'torn' && last,
    action: 'set aside'
  },
  {
    name: 'its header is damaged',
    applies: ({ header }) => header !== 'sound',
    action: 'refuse'
  },
  {
    name: 'its frames are intact, but what they contain is not',
    applies: ({ end }) => end === 'undecodable',
    action: 'refuse'
  },
  {
    name: 'it does not follow from the segment before it',
    applies: ({ fits }) => !fits,
    action: 'refuse'
  },
  {
    name: 'it is damaged, and later segments follow',
    applies: ({ last, end }) => !last && end === 'bad frame',
    action: 'refuse'
  },
  {
    name: 'it was never sealed, but later segments follow',
    applies: ({ last, end }) => !last && end === 'unsealed',
    action: 'refuse'
  },
  {
    name: 'it is damaged before a place that was on stable storage',
    applies: ({ end, vouched }) => end === 'bad frame' && vouched,
    action: 'refuse'
  },
  {
    name: 'its end is torn, or was never on stable storage',
    applies: ({ end }) => end === 'bad frame',
    action: 'cut'
  },
  { name: 'it is whole', applies: () => true, action: 'accept' }
]

export function recoveryCase(facts: SegmentFacts): RecoveryCase {
  return RECOVERY_CASES.find(({ applies }) => applies(facts))!
}

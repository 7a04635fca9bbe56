import { describe, expect, test } from 'vitest'
import {
  RECOVERY_CASES,
  recoveryCase,
  type RecoveryAction,
  type SegmentFacts
} from '../../src/wal/recovery/recovery-table.js'

const HEADERS = ['sound', 'torn', 'bad'] as const
const ENDS = ['sealed', 'unsealed', 'bad frame', 'undecodable'] as const
const EITHER = [true, false]

const ALL: readonly SegmentFacts[] = HEADERS.flatMap(header =>
  EITHER.flatMap(last =>
    EITHER.flatMap(fits =>
      ENDS.flatMap(end => EITHER.map((vouched): SegmentFacts => ({ header, last, fits, end, vouched })))
    )
  )
)

/** docs/format.md, "Opening", told once more in another order: whatever is not allowed is refused. */
function expected({ header, last, fits, end, vouched }: SegmentFacts): RecoveryAction {
  if (!last) return header === 'sound' && fits && end === 'sealed' ? 'accept' : 'refuse'
  if (header === 'torn') return 'set aside'
  if (header === 'bad' || !fits) return 'refuse'
  if (end === 'bad frame') return vouched ? 'refuse' : 'cut'
  return end === 'undecodable' ? 'refuse' : 'accept'
}

test('every combination is there once', () => {
  expect(new Set(ALL.map(facts => JSON.stringify(facts))).size).toBe(3 * 2 * 2 * 4 * 2)
})

test.for(ALL)('header $header, last $last, fits $fits, $end, vouched $vouched', facts => {
  expect(recoveryCase(facts).action).toBe(expected(facts))
})

describe('the cases', () => {
  test('each has a name of its own', () => {
    expect(new Set(RECOVERY_CASES.map(({ name }) => name)).size).toBe(RECOVERY_CASES.length)
  })

  test.for(RECOVERY_CASES)('"$name" is the answer to something', found => {
    expect(ALL.some(facts => recoveryCase(facts) === found)).toBe(true)
  })

  test('only of the last segment is anything given up', () => {
    const elsewhere = ALL.filter(({ last }) => !last).map(facts => recoveryCase(facts).action)
    expect(new Set(elsewhere)).toEqual(new Set(['accept', 'refuse']))
  })

  test('nothing that was vouched for is cut', () => {
    const cut = ALL.filter(facts => recoveryCase(facts).action === 'cut')
    expect(cut.map(({ vouched }) => vouched)).toEqual([false])
  })

  test('a header that was never whole is told from one that is damaged', () => {
    const facts: SegmentFacts = { header: 'torn', last: true, fits: true, end: 'unsealed', vouched: false }
    expect(recoveryCase(facts).name).toMatch(/crash/)
    expect(recoveryCase({ ...facts, header: 'bad' }).name).toMatch(/damaged/)
  })
})

import { expect, test } from 'vitest'
import { comparePositions, type Position } from '../../src/index.js'

/** In the order of a log: each differs from the next in its segment, offset or index, and what stands behind that goes the other way. */
const INCREASING: readonly Position[] = [
  { segment: 1, offset: 80, index: 7 },
  { segment: 1, offset: 80, index: 8 },
  { segment: 1, offset: 4096, index: 0 },
  { segment: 2, offset: 80, index: 3 },
  { segment: 10, offset: 80, index: 1 }
]

test('positions compare by segment, then by offset, then by index', () => {
  for (const [i, a] of INCREASING.entries()) {
    for (const [j, b] of INCREASING.entries()) expect(Math.sign(comparePositions(a, b))).toBe(Math.sign(i - j))
  }
})

test('they sort records into the order of the log', () => {
  expect(INCREASING.toReversed().sort(comparePositions)).toEqual(INCREASING)
})

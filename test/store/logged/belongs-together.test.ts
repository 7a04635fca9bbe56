import { describe, expect, it } from 'vitest'
import { assertBelongsTogether } from '../../../src/store/log/log-pairing.js'

/** Checks a database that has the writes up to `applied`, and a log with segments of these records. */
function check(applied: number, ...segments: [first: number, last: number][]): () => void {
  const extents = segments.map(([firstSequence, lastSequence]) => ({ firstSequence, lastSequence, createdAt: 1 }))
  return () => assertBelongsTogether({ logDirty: true, logDirtySince: 1, applied }, '/log', extents)
}

describe('a database and a log belong together', () => {
  it.each([
    ['the log begins where the database ends', check(10, [11, 20])],
    ['a segment ends where the database does', check(10, [1, 10], [11, 20])],
    ['the database lacks the last record of a segment alone', check(10, [1, 11], [12, 20])],
    ['it lacks some of several segments', check(10, [5, 8], [9, 14], [15, 15], [16, 20])],
    ['it has everything', check(20, [1, 10], [11, 20])],
    ['it has more than the log', check(30, [1, 10], [11, 20])],
    ['the log is empty', check(10, [11, 10])],
    ['it has what is missing between segments', check(15, [1, 5], [10, 20])]
  ])('where %s', (_, belongs) => {
    expect(belongs).not.toThrow()
  })
})

describe('they do not', () => {
  it.each([
    ['one record is missing before the log', check(10, [12, 20])],
    ['one is missing between segments', check(10, [1, 11], [13, 20])],
    ['one is missing right behind what the database has', check(10, [1, 10], [12, 20])],
    ['one is missing before an empty log', check(10, [12, 11])],
    ['more is missing later', check(10, [11, 12], [13, 13], [20, 30])]
  ])('where %s', (_, belongs) => {
    expect(belongs).toThrow(expect.objectContaining({ code: 'LEVEL_CORRUPTION' }))
  })
})

import { describe, expect, test } from 'vitest'
import {
  LITERAL_LENGTH_CODES,
  literalLengthCode,
  LITERAL_LENGTH_BITS,
  MATCH_LENGTH_CODES,
  matchLengthCode,
  MATCH_LENGTH_BITS
} from '../../../src/codec/zstd-format/zstd-codes.js'

const LENGTHS = Array.from({ length: 131_072 + 3 }, (_, length) => length)

// RFC 8878, 3.1.1.3.2.1.1, tables 15 and 16: some first lengths of a code and its extra bits.
describe('the code of a length of', () => {
  test.each([
    [
      'literals',
      literalLengthCode,
      LITERAL_LENGTH_BITS,
      LITERAL_LENGTH_CODES,
      0,
      [
        [0, 0, 0],
        [15, 15, 0],
        [16, 16, 1],
        [24, 20, 2],
        [48, 24, 4],
        [64, 25, 6],
        [65_536, 35, 16]
      ]
    ],
    [
      'a match',
      matchLengthCode,
      MATCH_LENGTH_BITS,
      MATCH_LENGTH_CODES,
      3,
      [
        [3, 0, 0],
        [34, 31, 0],
        [35, 32, 1],
        [67, 40, 4],
        [99, 42, 5],
        [131, 43, 7],
        [65_539, 52, 16]
      ]
    ]
  ] as const)('%s', (_, codeOf, bits, codes, shortest, known) => {
    for (const [length, code, width] of known) expect([codeOf(length), bits[code]]).toEqual([code, width])

    // Codes follow one another, each for 2^bits lengths that begin at a multiple of that.
    const byCode = Array.from({ length: codes }, (): number[] => [])
    for (const length of LENGTHS.slice(shortest, 131_072 + shortest)) byCode[codeOf(length)]!.push(length)
    byCode.forEach((lengths, code) => {
      expect(lengths).toHaveLength(2 ** bits[code]!)
      expect((lengths[0]! - shortest) % lengths.length).toBe(0)
    })
  })
})

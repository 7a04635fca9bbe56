import { expect, test } from 'vitest'
import { DictionaryStatistics } from '../../../src/codec/dictionary/dictionary-statistics.js'

/** The bits of one value: sequences with these offsets, behind these literals. */
function bitsOf(offsetValues: number[], literals = Buffer.alloc(0)): number {
  const count = offsetValues.length
  const statistics = new DictionaryStatistics()
  statistics.add({
    count,
    literalLengths: new Uint16Array(count),
    matchLengths: new Uint16Array(count).fill(5),
    offsetValues: Uint32Array.from(offsetValues),
    literalBytes: literals.length,
    literals
  })
  return statistics.bits
}

test('offsets take as many bits more as their numbers have beyond the first', () => {
  const [near, far] = [2 ** 4, 2 ** 14]
  expect(bitsOf([far, far, far]) - bitsOf([near, near, near])).toBeCloseTo(30)
})

test('a literal takes at least a bit, as a Huffman code does', () => {
  const equal = Buffer.alloc(100_000, 'a')
  expect(bitsOf([], equal) - bitsOf([])).toBeCloseTo(100_000)
})

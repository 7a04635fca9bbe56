import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeLengths } from '../../../src/codec/zstd-format/huffman-description.js'
import { describeWeights, descriptionBytes, readWeights } from '../../../src/codec/zstd-format/huffman-weights.js'
import { thrownCode } from '../../support/thrown-code.js'

/** Weights of a whole code for some of 256 bytes, the last of them among those. */
const weights = fc
  .array(fc.oneof(fc.nat(5), fc.nat(10_000)), { minLength: 3, maxLength: 256 })
  .filter(counts => counts.filter(count => count > 0).length >= 2)
  .map(counts => {
    const seen = counts.filter(count => count > 0)
    const lengths = codeLengths(seen, 11)
    const longest = Math.max(...lengths)
    const ofSeen = lengths.map(length => longest + 1 - length)
    const all = counts.map(count => (count > 0 ? ofSeen.shift()! : 0))
    return all.slice(0, all.findLastIndex(weight => weight > 0) + 1)
  })
  .filter(all => new Set(all.slice(0, -1)).size > 1)

test('weights read back, the last one too', () => {
  fc.assert(
    fc.property(weights, all => {
      const description = describeWeights(all.slice(0, -1))
      expect(descriptionBytes(description[0]!)).toBe(description.length)
      expect(readWeights(description)).toEqual(all)
    })
  )
})

test('weights of four bits each are read', () => {
  // RFC 8878, 4.2.1.1: 4 3 2 0 1, and so 1 for the last.
  const description = Uint8Array.of(127 + 5, 0x43, 0x20, 0x10)
  expect(descriptionBytes(description[0]!)).toBe(description.length)
  expect(readWeights(description)).toEqual([4, 3, 2, 0, 1, 1])
})

describe('refused are', () => {
  test.each([
    ['weights that are all zero', [127 + 4, 0, 0]],
    ['weights that no last weight completes to a code', [127 + 3, 0x33, 0x20]],
    ['weights of which none is 1', [127 + 3, 0x22, 0x20]],
    ['a code longer than 11 bits', [127 + 3, 0xcb, 0xb0]],
    ['nothing', [0]],
    ['a table without a stream', [1, 0x10]],
    ['a stream without its end', [...describeWeights([4, 3, 2, 0, 1]).slice(0, -1), 0]]
  ])('%s', (_, bytes) => {
    expect(thrownCode(() => readWeights(Uint8Array.from(bytes)))).toBe('LEVEL_CORRUPTION')
  })

  test('all bytes that are no description, and always with LEVEL_CORRUPTION', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 127 }), bytes => {
        const code = thrownCode(() => {
          const read = readWeights(Uint8Array.of(bytes.length, ...bytes))
          expect(read.length).toBeLessThanOrEqual(256)
          const sum = read.reduce((total, weight) => total + (weight > 0 ? 2 ** (weight - 1) : 0), 0)
          expect(Math.log2(sum) % 1).toBe(0)
        })
        expect([undefined, 'LEVEL_CORRUPTION']).toContain(code)
      })
    )
  })
})

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describeDistribution, distribute, readDistribution } from '../../../src/codec/zstd-format/fse-distribution.js'
import { thrownCode } from '../../support/thrown-code.js'

const counts = fc
  .array(fc.oneof(fc.constant(0), fc.nat(10), fc.nat(100_000)), { minLength: 2, maxLength: 53 })
  .filter(list => list.filter(count => count > 0).length >= 2)

describe('distribute', () => {
  test('gives all cells away, one at least to whatever is seen and none to the rest', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 6, max: 9 }), (list, log) => {
        const { cells } = distribute(list, log)
        expect(cells.reduce((a, b) => a + b, 0)).toBe(2 ** log)
        cells.forEach((share, symbol) => expect(share > 0).toBe(list[symbol]! > 0))
      })
    )
  })

  test('no cell would save more elsewhere', () => {
    const list = [1, 7, 300, 40, 41, 2]
    const { cells } = distribute(list, 6)
    const bits = (shares: readonly number[]) =>
      list.reduce((sum, count, i) => sum - count * Math.log2(shares[i]! / 64), 0)
    const pairs = cells
      .flatMap((_, from) => cells.map((__, to) => ({ from, to })))
      .filter(({ from }) => cells[from]! > 1)
    for (const { from, to } of pairs) {
      const moved = cells.map((share, i) => share + Number(i === to) - Number(i === from))
      expect(bits(moved)).toBeGreaterThanOrEqual(bits(cells) - 1e-9)
    }
  })
})

describe('a description of a distribution', () => {
  test('reads back, wherever it stands', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 6, max: 9 }), fc.nat(3), (list, log, before) => {
        const distribution = distribute(list, log)
        const description = describeDistribution(distribution)
        const bytes = Buffer.concat([Buffer.alloc(before, 0xff), description, Buffer.from([0xff])])
        const read = readDistribution(bytes, before, 52, 9)
        const trailingZeros = distribution.cells.findLastIndex(share => share !== 0)
        expect(read.distribution).toEqual({ accuracyLog: log, cells: distribution.cells.slice(0, trailingZeros + 1) })
        expect(read.end).toBe(before + description.length)
      })
    )
  })

  test('is the one that the predefined distribution of match lengths has', () => {
    // RFC 8878, 3.1.1.3.2.2.2, with its rare symbols.
    const cells = [1, 4, 3, 2, 2, 2, 2, 2, 2, ...Array<number>(37).fill(1), -1, -1, -1, -1, -1, -1, -1]
    const description = describeDistribution({ accuracyLog: 6, cells })
    expect(readDistribution(description, 0, 52, 9).distribution).toEqual({ accuracyLog: 6, cells })
  })

  test('is refused when it is cut anywhere', () => {
    const description = describeDistribution(distribute([5, 0, 0, 0, 0, 9, 1, 70, 0, 3], 8))
    for (let length = 0; length < description.length; length++) {
      expect(thrownCode(() => readDistribution(description.subarray(0, length), 0, 31, 8))).toBe('LEVEL_CORRUPTION')
    }
  })

  test('is refused when its table is larger, or its symbols are more, than there can be', () => {
    const description = describeDistribution(distribute([5, 9, 1, 70, 3], 8))
    expect(thrownCode(() => readDistribution(description, 0, 31, 7))).toBe('LEVEL_CORRUPTION')
    expect(thrownCode(() => readDistribution(description, 0, 3, 8))).toBe('LEVEL_CORRUPTION')
    expect(thrownCode(() => readDistribution(description, 0, 4, 8))).toBeUndefined()
  })

  test('is refused when it only ever says zero', () => {
    // 2^5 cells, then a zero, and repeat flags for three more of them without end.
    const zeros = Buffer.from([0x10, 0xfe, ...Array<number>(10_000).fill(0xff)])
    expect(thrownCode(() => readDistribution(zeros, 0, 52, 9))).toBe('LEVEL_CORRUPTION')
  })

  test('any bytes read as a whole distribution or are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
        const code = thrownCode(() => {
          const { distribution, end } = readDistribution(bytes, 0, 52, 9)
          expect(end).toBeLessThanOrEqual(bytes.length)
          expect(distribution.cells.length).toBeLessThanOrEqual(53)
          const sum = distribution.cells.reduce((total, share) => total + Math.abs(share), 0)
          expect(sum).toBe(2 ** distribution.accuracyLog)
        })
        expect([undefined, 'LEVEL_CORRUPTION']).toContain(code)
      })
    )
  })
})

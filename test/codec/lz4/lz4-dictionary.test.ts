import * as fc from 'fast-check'
import { compressSync, uncompressSync } from 'lz4-napi'
import { describe, expect, it } from 'vitest'
import { lz4 } from '../../../src/codec/lz4/lz4.js'
import { everyBitFlipped, noise, text } from '../../support/sample-values.js'
import { documents } from '../../support/small-documents.js'
import { thrownCode } from '../../support/thrown-code.js'

const DOCUMENTS = documents(60)
const DICTIONARY = Buffer.concat(DOCUMENTS.slice(0, 40))
const TESTED = DOCUMENTS.slice(40)

const coderFor = (dictionary: Uint8Array) => lz4().withDictionary!(dictionary)

function total(lengthOf: (value: Buffer) => number): number {
  return TESTED.reduce((sum, value) => sum + lengthOf(value), 0)
}

/** As lz4-napi writes and reads it. */
function sized(block: Uint8Array, rawLength: number): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(rawLength)
  return Buffer.concat([size, block])
}

describe('LZ4 with a dictionary', () => {
  it('makes small documents less than half as long as without', () => {
    const coder = coderFor(DICTIONARY)
    const alone = total(value => compressSync(value).length)
    expect(total(value => coder.compressSync(value)!.length)).toBeLessThan(alone / 2)
  })

  it('writes what another LZ4 reads with the same dictionary, and reads what that one writes', () => {
    const coder = coderFor(DICTIONARY)
    for (const value of TESTED) {
      expect(uncompressSync(sized(coder.compressSync(value)!, value.length), DICTIONARY)).toEqual(value)
      expect(coder.decompressSync(compressSync(value, DICTIONARY).subarray(4), value.length)).toEqual(value)
    }
  })

  it('restores every value, whatever the dictionary', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.constantFrom(...TESTED),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 3 }), fc.nat(700)).map(([fill, n]) => Buffer.alloc(n, fill))
    )
    const bytes = fc.array(piece, { maxLength: 6 }).map(pieces => Buffer.concat(pieces))
    const property = fc.property(bytes, bytes, bytes, (dictionary, one, other) => {
      const coder = coderFor(dictionary)
      for (const value of [one, other, Buffer.concat([dictionary.subarray(3), one])]) {
        const block = coder.compressSync(value)
        if (block === undefined) continue
        expect(block.length).toBeLessThan(value.length)
        expect(coder.decompressSync(block, value.length)).toEqual(value)
        expect(uncompressSync(sized(block, value.length), dictionary)).toEqual(value)
      }
    })
    fc.assert(property, { numRuns: 300 })
  })

  it('reaches no further back than an offset does', () => {
    const dictionary = Buffer.concat([TESTED[0]!, noise(70_000)])
    const outOfReach = dictionary.subarray(5000, 25_000)
    const value = Buffer.concat([noise(20_000, 5), outOfReach, dictionary.subarray(-20_000)])
    const block = coderFor(dictionary).compressSync(value)!
    expect(uncompressSync(sized(block, value.length), dictionary)).toEqual(value)
    expect(coderFor(dictionary).decompressSync(block, value.length)).toEqual(value)
  })

  it('gives the same result whatever was compressed before', () => {
    const fresh = coderFor(DICTIONARY).compressSync(TESTED[3]!)
    const used = coderFor(DICTIONARY)
    for (const value of TESTED) used.compressSync(Buffer.concat([value, value]))
    expect(used.compressSync(TESTED[3]!)).toEqual(fresh)
  })

  it('gives undefined if a value does not become smaller', () => {
    for (const value of [Buffer.alloc(0), Buffer.of(1), noise(500)])
      expect(coderFor(DICTIONARY).compressSync(value)).toBe(undefined)
  })
})

describe('a damaged LZ4 block with a dictionary', () => {
  it('gives bytes of the right length or LEVEL_CORRUPTION, whatever bit is flipped', () => {
    const coder = coderFor(DICTIONARY)
    const value = TESTED[1]!
    for (const { flipped } of everyBitFlipped(Buffer.from(coder.compressSync(value)!))) {
      let length: number | string
      try {
        length = coder.decompressSync(flipped, value.length).length
      } catch (error) {
        length = (error as { code: string }).code
      }
      expect([value.length, 'LEVEL_CORRUPTION']).toContain(length)
    }
  })

  it('is refused where it is cut short, or of another length', () => {
    const coder = coderFor(DICTIONARY)
    const value = text(300)
    const block = coder.compressSync(value)!
    for (let length = 0; length < block.length; length++)
      expect(thrownCode(() => coder.decompressSync(block.subarray(0, length), value.length))).toBe('LEVEL_CORRUPTION')
    for (const length of [0, 1, 299, 301, 65_535])
      expect(thrownCode(() => coder.decompressSync(block, length))).toBe('LEVEL_CORRUPTION')
  })

  it('is refused where it, or the value, would be longer than any small value', () => {
    const coder = coderFor(DICTIONARY)
    expect(thrownCode(() => coder.decompressSync(Buffer.alloc(70_000), 65_535))).toBe('LEVEL_CORRUPTION')
    expect(thrownCode(() => coder.decompressSync(Buffer.of(0x10, 0x61), 2 ** 32))).toBe('LEVEL_CORRUPTION')
  })

  it.each([
    ['an offset of 0', [0x10, 0x61, 0, 0, 0x00]],
    ['an offset before the dictionary', [0x10, 0x61, 0xff, 0xff, 0x00]],
    ['a length that goes on and on', [0x1f, 0x61, 1, 0, ...Array<number>(400).fill(255), 0, 0x00]],
    ['literals that are not there', [0xf0, 255, 255, 0]]
  ])('is refused with %s', (_, bytes) => {
    expect(thrownCode(() => coderFor(Buffer.from('abc')).decompressSync(Buffer.from(bytes), 20))).toBe(
      'LEVEL_CORRUPTION'
    )
  })
})

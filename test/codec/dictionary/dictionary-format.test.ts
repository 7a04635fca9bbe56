import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { dictionaryContent, withoutId } from '../../../src/codec/dictionary/dictionary-format.js'
import { trainDictionary } from '../../../src/codec/dictionary/dictionary-training.js'
import { everyBitFlipped } from '../../support/sample-values.js'
import { thrownCode } from '../../support/thrown-code.js'
import { documents } from './dictionary-samples.js'
import { readDictionary } from './dictionary-second-reader.js'

let dictionary: Buffer
let headerBytes: number

beforeAll(async () => {
  dictionary = Buffer.from((await trainDictionary(documents(400), 4096))!)
  headerBytes = dictionary.length - readDictionary(dictionary).content.length
})

describe('an independent reader finds', () => {
  test('a code for every byte, and cells for every length and offset', () => {
    const parts = readDictionary(dictionary)
    expect(parts.codeBits.every(bits => bits > 0 && bits <= 11)).toBe(true)
    expect(parts.literalLengths).toHaveLength(36)
    expect(parts.matchLengths).toHaveLength(53)
    // 17 is the code of 128 KiB + 4 KiB, the largest offset there can be.
    expect(parts.offsets).toHaveLength(18)
    for (const cells of [parts.literalLengths, parts.matchLengths, parts.offsets])
      expect(Math.min(...cells)).toBeGreaterThan(0)
  })

  test('the id, and repeat offsets that lie in the content', () => {
    const { id, repeats, content } = readDictionary(dictionary)
    expect(id).toBe(1)
    for (const offset of repeats) {
      expect(offset).toBeGreaterThan(0)
      expect(offset).toBeLessThanOrEqual(content.length)
    }
  })

  test('the same content', () => {
    expect(dictionaryContent(dictionary)).toEqual(readDictionary(dictionary).content)
  })
})

test('without its id it is a copy, otherwise the same', () => {
  const copy = Buffer.from(withoutId(dictionary))
  expect(readDictionary(copy).id).toBe(0)
  copy.writeUInt32LE(1, 4)
  expect(copy).toEqual(dictionary)
  expect(readDictionary(dictionary).id).toBe(1)
})

test('the content is a view of the dictionary', () => {
  const content = dictionaryContent(dictionary)
  expect(content.buffer).toBe(dictionary.buffer)
})

test.each([0, 1, 4, 7, 8, 1000])('%i bytes without the magic number are content as they are', length => {
  const raw = Buffer.alloc(length, 'content only')
  expect(dictionaryContent(raw)).toBe(raw)
  expect(withoutId(raw)).toEqual(new Uint8Array(raw))
})

test.each([4, 5, 7])('%i bytes that are no more than the magic number and a part of an id are content', length => {
  const short = dictionary.subarray(0, length)
  expect(dictionaryContent(short)).toBe(short)
  expect(withoutId(short)).toEqual(new Uint8Array(short))
})

describe('refused is', () => {
  test('a dictionary that ends in its header', () => {
    for (let length = 8; length <= headerBytes; length++) {
      expect(thrownCode(() => dictionaryContent(dictionary.subarray(0, length)))).toBe('LEVEL_CORRUPTION')
    }
  })

  test.each([0, 1, 2])('repeat offset %i when it is zero, or points out of the content', place => {
    const at = headerBytes - 12 + place * 4
    for (const offset of [0, dictionary.length - headerBytes + 1, 2 ** 32 - 1]) {
      const forged = Buffer.from(dictionary)
      forged.writeUInt32LE(offset, at)
      expect(thrownCode(() => dictionaryContent(forged))).toBe('LEVEL_CORRUPTION')
    }
    const farthest = Buffer.from(dictionary)
    farthest.writeUInt32LE(dictionary.length - headerBytes, at)
    expect(thrownCode(() => dictionaryContent(farthest))).toBeUndefined()
  })

  test('a header with a flipped bit, if at all, with LEVEL_CORRUPTION', () => {
    const codes = new Set()
    for (const { bit, flipped } of everyBitFlipped(dictionary)) {
      if (bit >= headerBytes * 8) break
      codes.add(thrownCode(() => dictionaryContent(flipped)))
    }
    // Undefined too: the id and the Huffman code are not looked at, and some damage makes other, whole tables.
    expect(codes).toEqual(new Set([undefined, 'LEVEL_CORRUPTION']))
  })

  test('any text behind the magic number, if at all, with LEVEL_CORRUPTION', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
        const forged = Buffer.concat([dictionary.subarray(0, 8), bytes])
        const code = thrownCode(() => expect(dictionaryContent(forged).length).toBeLessThan(forged.length))
        expect([undefined, 'LEVEL_CORRUPTION']).toContain(code)
      })
    )
  })
})

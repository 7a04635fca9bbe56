import { describe, expect, test } from 'vitest'
import {
  BLOCK,
  dictionaryHash,
  HEADS,
  MAX_OFFSET,
  MAX_VALUE_BYTES,
  MEMORY_BYTES,
  WINDOW
} from '../../../src/codec/lz4/lz4-functions.js'
import { Lz4Kernel } from '../../../src/codec/lz4/lz4-kernel.js'
import { restoredByTheBook } from '../../support/lz4-by-the-book.js'
import { noise } from '../../support/sample-values.js'
import { seededRandom } from '../../support/seeded-random.js'
import { thrownCode } from '../../support/thrown-code.js'

/** A kernel, its memory, and where values begin in that. */
function shown(dictionary: Buffer) {
  const ours = new Lz4Kernel(dictionary)
  const memory = Buffer.from(ours.decompressShared(Buffer.of(0), 0, 'block').buffer)
  return { ours, memory, base: WINDOW + Math.min(dictionary.length, MAX_OFFSET) }
}

/** Pieces of `of`, noise, runs, and the beginnings of pieces again. */
function assorted(random: () => number, maxBytes: number, of: Buffer): Buffer {
  const upTo = (n: number) => Math.floor(random() * n)
  const pieces: Buffer[] = []
  for (let left = upTo(maxBytes + 1); left > 0; left -= pieces.at(-1)!.length) {
    const length = 1 + upTo(Math.min(left, upTo(2) ? 20 : 600))
    const kind = upTo(4)
    const from = upTo(of.length)
    if (kind === 0) pieces.push(noise(length, 1 + upTo(1e9)))
    else if (kind === 1) pieces.push(Buffer.alloc(length, noise(1 + upTo(12), 1 + upTo(1e9))))
    else if (kind === 2 && from < of.length) pieces.push(of.subarray(from, from + length))
    else pieces.push(pieces[upTo(pieces.length)]?.subarray(0, length) ?? Buffer.of(7))
  }
  return Buffer.concat(pieces)
}

function isByTheBook(block: Buffer, dictionary: Buffer, value: Buffer): boolean {
  const restored = restoredByTheBook(block, dictionary, value.length)
  return restored !== undefined && restored.endsWell && restored.raw.equals(value)
}

const WHOLE = { byTheBook: true, restored: true, dictionary: true, behind: true }
const untouched = Buffer.alloc(MEMORY_BYTES, 0xa5)
/** What is restored is copied up to so many bytes further than it should. */
const SLACK_BYTES = 16
/** From none to more than an offset reaches. */
const DICTIONARY_BYTES = [0, 1, 3, 4, 5, 8, 100, 5000, MAX_OFFSET - 1, MAX_OFFSET, MAX_OFFSET + 1, 70_000]

function bytesOfWord(word: number): Buffer {
  return Buffer.from(Int32Array.of(word).buffer)
}

describe('what LZ4 in WebAssembly writes', () => {
  test('is a block by the book up to its end, whatever the dictionary, and nothing else is written', () => {
    const random = seededRandom(1)
    for (const length of DICTIONARY_BYTES) {
      const dictionary = noise(length, 3)
      const { ours, memory, base } = shown(dictionary)
      const before = Buffer.from(memory.subarray(HEADS, base))
      for (let run = 0; run < 150; run++) {
        const value = assorted(random, run % 30 === 0 ? MAX_VALUE_BYTES : 1500, dictionary)
        untouched.copy(memory, base)
        const block = ours.compress(value, 'block')
        const restored = ours.decompress(block, value.length, 'block')
        const behind = memory.subarray(base + value.length + SLACK_BYTES, BLOCK)
        const whole = {
          byTheBook: isByTheBook(block, dictionary, value),
          restored: restored.equals(value),
          dictionary: memory.subarray(HEADS, base).equals(before),
          behind: behind.equals(untouched.subarray(0, behind.length))
        }
        expect(whole, `run ${run} with ${length} bytes before`).toEqual(WHOLE)
      }
    }
  })

  test('ends by the book where all of a short value stands in the dictionary', () => {
    const dictionary = noise(100)
    const ours = new Lz4Kernel(dictionary)
    for (let length = 0; length <= 40; length++) {
      for (let at = 0; at <= 100 - length; at++) {
        const value = dictionary.subarray(at, at + length)
        const block = ours.compress(value, 'block')
        expect(isByTheBook(block, dictionary, value), `${length} bytes from ${at}`).toBe(true)
        // From 12 bytes on all but the last five are a match: token, offset, what 15 + 4 leave of its length; token, five literals.
        const longMatch = length - 5 >= 15 + 4
        expect(block.length).toBe(length < 12 ? 1 + length : 1 + 2 + Number(longMatch) + 1 + 5)
      }
    }
  })

  test('refers to the dictionary wherever an offset of 65,535 reaches', () => {
    const dictionary = noise(65_535 + 10)
    const ours = new Lz4Kernel(dictionary)
    const found = (at: number, before: number) => {
      const value = Buffer.concat([noise(before, 77), dictionary.subarray(at, at + 50), noise(20, 5)])
      const block = ours.compress(value, 'block')
      expect(isByTheBook(block, dictionary, value), `${at} after ${before}`).toBe(true)
      return block.length < value.length
    }
    for (let at = 10; at < dictionary.length - 50; at += 97) expect(found(at, 0), `from ${at}`).toBe(true)
    for (let before = 0; before <= 30; before++) {
      for (const at of [10, 11, 20, 30])
        expect(found(at, before), `${at} after ${before}`).toBe(dictionary.length - at + before <= 65_535)
    }
  })

  test('takes all of a match, from the longest of the places in the dictionary', () => {
    const [longest, other] = [noise(60, 2), noise(20, 3)]
    // After so many literals not every place is looked at.
    const before = noise(200, 4)
    for (let matched = 4; matched <= 50; matched++) {
      const found = longest.subarray(0, matched)
      const value = Buffer.concat([before.subarray(0, matched < 10 ? 20 : 200), found, noise(20, 5)])
      // Twice a token, one byte more of a length, and literals; between them the offset, and what 15 + 4 leave of the match.
      const expected = 1 + 1 + (value.length - 20 - matched) + 2 + Number(matched >= 15 + 4) + 1 + 1 + 20
      // Nearer to the value there are others that begin alike.
      const shorter = [3, 2, 1, 0].map(less =>
        Buffer.concat([found.subarray(0, Math.max(4, matched - less - 1)), other])
      )
      const ours = new Lz4Kernel(Buffer.concat([other, longest, ...shorter]))
      expect(ours.compress(value, 'block').length, `${matched} bytes`).toBe(expected)
      const twice = Buffer.concat([longest, value])
      expect(new Lz4Kernel().compress(twice, 'block').length, `${matched} bytes`).toBe(expected + longest.length)
    }
  })

  test('finds any four bytes of a dictionary', () => {
    for (const length of [4, 5, 20_000]) {
      const dictionary = noise(length, 7)
      const ours = new Lz4Kernel(dictionary)
      const missed: number[] = []
      for (let at = 0; at + 4 <= length; at++) {
        const value = Buffer.concat([noise(10, 4), dictionary.subarray(at, at + 4), noise(10, 5)])
        if (ours.compress(value, 'block').length > 1 + 10 + 2 + 1 + 10) missed.push(at)
      }
      expect(missed, `of ${length}`).toEqual([])
    }
  })

  test('is not misled by other bytes with the same hash', () => {
    const word = 0x12345678
    let same = 0x77000000
    while (dictionaryHash(same) !== dictionaryHash(word)) same++
    const [middle, end] = [noise(12), noise(8, 2)]
    const dictionary = Buffer.concat([bytesOfWord(same), middle, end])
    const value = Buffer.concat([bytesOfWord(word), middle, noise(30, 3), bytesOfWord(word), middle, end, noise(10, 4)])
    const block = new Lz4Kernel(dictionary).compress(value, 'block')
    expect(isByTheBook(block, dictionary, value)).toBe(true)
    // Three matches: of the middle, of the first 16 bytes, and of the end.
    expect(block.length).toBe(value.length - 12 - 16 - 8 + 4 + 3 * 2 + 1)
  })

  test('does not take a shorter match that ends like a longer one', () => {
    const [word, middle, end, behind] = [noise(4), noise(6, 2), noise(8, 3), noise(3, 4)]
    const dictionary = Buffer.concat([word, noise(6, 5), end, behind])
    const value = Buffer.concat([word, middle, end, noise(30, 6), word, middle, end, behind, noise(10, 7)])
    // Of the dictionary the word and the end; then word, middle and end of the value.
    const expected = 1 + 2 + (1 + 6 + 2) + (1 + 1 + 30 + 2) + (1 + 3 + 10)
    expect(new Lz4Kernel(dictionary).compress(value, 'block').length).toBe(expected)
  })

  test('does not refer to what stands before the dictionary', () => {
    const dictionary = noise(100, 6)
    for (const before of [0, 1, 0xff]) {
      const value = Buffer.concat([noise(20, 5), Buffer.of(before), dictionary.subarray(0, 40), noise(20, 4)])
      const block = new Lz4Kernel(dictionary).compress(value, 'block')
      expect(isByTheBook(block, dictionary, value), `${before}`).toBe(true)
    }
  })

  test('is never longer than a reader has room for', () => {
    const kernel = new Lz4Kernel()
    expect(kernel.compress(noise(MAX_VALUE_BYTES), 'sized').length).toBe(4 + 1 + 257 + MAX_VALUE_BYTES)
    expect(() => kernel.compress(noise(MAX_VALUE_BYTES + 1), 'block')).toThrow(RangeError)
  })
})

/** Some bytes other than they were, cut off, put in or twice. */
function damaged(random: () => number, block: Buffer): Buffer {
  const upTo = (n: number) => Math.floor(random() * n)
  const telling = [0, 1, 15, 16, 0x1f, 0xf0, 0xff]
  for (let times = 1 + upTo(3); times > 0; times--) {
    const at = upTo(block.length)
    const kind = upTo(6)
    block = Buffer.from(block)
    if (kind === 0) block[at]! ^= 1 << upTo(8)
    else if (kind === 1) block[at] = telling[upTo(telling.length)]!
    else if (kind === 2) block.subarray(at, at + 3).fill(0xff)
    else if (kind === 3) block = block.subarray(0, at)
    else if (kind === 4) block = Buffer.concat([block.subarray(0, at), block.subarray(at + 1 + upTo(3))])
    else block = Buffer.concat([block.subarray(0, at), block.subarray(upTo(block.length))])
  }
  return block
}

describe('a damaged block', () => {
  test.each(DICTIONARY_BYTES)(
    'is restored by the book or refused, with %i bytes of dictionary, and leaves the dictionary as it was',
    length => {
      const random = seededRandom(length)
      const dictionary = noise(length, 9)
      const reached = dictionary.subarray(-MAX_OFFSET)
      const { ours, memory, base } = shown(dictionary)
      const before = Buffer.from(memory.subarray(HEADS, base))
      for (let run = 0; run < 300; run++) {
        const value = assorted(random, 400, dictionary)
        untouched.copy(memory, base)
        const block = damaged(random, ours.compress(value, 'block'))
        const rawLength = Math.max(0, value.length + Math.floor(random() * 7) - 3)
        const raw = restoredByTheBook(block, reached, rawLength)?.raw
        let restored: Buffer | undefined
        const code = thrownCode(() => (restored = ours.decompress(block, rawLength, 'block')))
        expect(code, `run ${run}`).toBe(raw?.length === rawLength ? undefined : 'LEVEL_CORRUPTION')
        expect(restored, `run ${run}`).toEqual(code === undefined ? raw : undefined)
        expect(memory.subarray(HEADS, base).equals(before), `run ${run}`).toBe(true)
        const behind = memory.subarray(base + rawLength + SLACK_BYTES, BLOCK)
        expect(behind.equals(untouched.subarray(0, behind.length)), `run ${run}`).toBe(true)
      }
    }
  )

  test('with literals or a match one byte or more too long is refused, and nothing is written behind the value', () => {
    const { ours, memory, base } = shown(noise(50))
    const length = 24
    const longMatch = [4, 0, 255, 255, 0, 0x00]
    for (let over = 1; over <= 40; over++) {
      const literals = [0xff, length - 15 + over, ...noise(length + over), ...longMatch]
      const match = [0x4f, 7, 7, 7, 7, 4, 0, length - 4 - 19 + over, 0x0f, ...longMatch]
      for (const block of [literals, match]) {
        untouched.copy(memory, base)
        expect(thrownCode(() => ours.decompress(Buffer.from(block), length, 'block'))).toBe('LEVEL_CORRUPTION')
        const behind = memory.subarray(base + length + SLACK_BYTES, BLOCK)
        expect(behind.equals(untouched.subarray(0, behind.length)), `${over} more`).toBe(true)
      }
    }
  })

  test.each(DICTIONARY_BYTES)(
    'may refer to the first byte before it that an offset reaches, of %i, but not beyond',
    length => {
      const ours = new Lz4Kernel(noise(length))
      const restoredFrom = (offset: number) =>
        thrownCode(() => ours.decompress(Buffer.of(0x10, 7, offset & 0xff, offset >> 8, 0), 5, 'block'))
      const furthest = Math.min(1 + length, 65_535)
      expect([0, 1, furthest].map(restoredFrom)).toEqual(['LEVEL_CORRUPTION', undefined, undefined])
      for (let offset = furthest + 1; offset <= Math.min(furthest + 20, 65_535); offset++)
        expect(restoredFrom(offset)).toBe('LEVEL_CORRUPTION')
    }
  )
})

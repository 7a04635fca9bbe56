import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c } from '../../src/checksum/crc32c.js'
import {
  RAW_CHECKED,
  readTrailer,
  type Trailer,
  trailerLength,
  RAW_UNCHECKED,
  writeTrailer
} from '../../src/envelope/trailer.js'
import { text } from '../support/sample-values.js'
import { thrownCode } from '../support/thrown-code.js'

/** Every field, also those that this version's sealing never writes. */
const trailers: fc.Arbitrary<Trailer> = fc
  .record({
    kind: fc.constantFrom(1, 2, 3, 7),
    rawLengthWidth: fc.constantFrom(0, 1, 2, 4),
    rawLength: fc.integer({ min: 0, max: 0xffffffff }),
    dictionary: fc.option(fc.integer({ min: 0, max: 0xffff }), { nil: undefined }),
    expiresAt: fc.option(fc.integer({ min: 0, max: 2 ** 48 - 1 }), { nil: undefined }),
    probe: fc.option(fc.record({ codecId: fc.nat(255), effort: fc.nat(255) }), { nil: undefined }),
    codecId: fc.nat(255)
  })
  .map(({ kind, rawLength, rawLengthWidth, codecId, ...rest }) => ({
    ...rest,
    kind,
    rawLengthWidth,
    rawLength: rawLength % 256 ** rawLengthWidth,
    codecId: kind === 7 ? codecId : undefined
  }))
  // Those would have the tag 0xff, which is never a tag.
  .filter(t => !(t.kind === 7 && t.rawLengthWidth === 4 && t.dictionary !== undefined && t.expiresAt !== undefined))

function written(payload: Buffer, trailer: Trailer): Buffer {
  const out = Buffer.alloc(payload.length + trailerLength(trailer), 0xee)
  out.set(payload)
  writeTrailer(out, payload.length, trailer, crc32c(payload))
  return out
}

describe('a trailer', () => {
  test('of any fields is read as it was written, behind any payload', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), trailers, (bytes, trailer) => {
        const payload = Buffer.from(bytes)
        expect(readTrailer(written(payload, trailer))).toEqual({ trailer, payload })
      }),
      { numRuns: 500 }
    )
  })

  test('fills exactly the room it asks for', () => {
    fc.assert(
      fc.property(trailers, trailer => {
        const roomy = Buffer.alloc(10 + trailerLength(trailer) + 10, 0xee)
        writeTrailer(roomy, 10, trailer, 0)
        expect(roomy.subarray(0, 10)).toEqual(Buffer.alloc(10, 0xee))
        expect(roomy.subarray(-10)).toEqual(Buffer.alloc(10, 0xee))
      })
    )
  })

  test('is refused when any one of its bytes is changed', () => {
    fc.assert(
      fc.property(trailers, fc.nat(), fc.integer({ min: 1, max: 255 }), (trailer, place, change) => {
        const stored = written(text(30), trailer)
        stored[place % stored.length]! ^= change
        // A tag of exactly 0 is that of an unchecked value: more than one flipped bit away from every other that is written.
        fc.pre(stored.at(-1) !== 0)
        expect(thrownCode(() => readTrailer(stored))).toBe('LEVEL_CORRUPTION')
      }),
      { numRuns: 500 }
    )
  })

  test('without checksum is a single zero', () => {
    expect(written(text(5), RAW_UNCHECKED)).toEqual(Buffer.concat([text(5), Buffer.of(0)]))
    expect(readTrailer(Buffer.of(9, 9, 0))).toEqual({ trailer: RAW_UNCHECKED, payload: Buffer.of(9, 9) })
  })
})

test('the lengths of trailers are those of their fields', () => {
  expect(trailerLength(RAW_UNCHECKED)).toBe(1)
  expect(trailerLength(RAW_CHECKED)).toBe(5)
  expect(trailerLength({ ...RAW_CHECKED, rawLengthWidth: 4 })).toBe(9)
  expect(trailerLength({ ...RAW_CHECKED, dictionary: 0 })).toBe(7)
  expect(trailerLength({ ...RAW_CHECKED, expiresAt: 0 })).toBe(11)
  expect(trailerLength({ ...RAW_CHECKED, probe: { codecId: 0, effort: 0 } })).toBe(8)
  expect(trailerLength({ ...RAW_CHECKED, kind: 7, codecId: 0 })).toBe(6)
})

import { describe, expect, test } from 'vitest'
import { MAX_EXPIRES_AT } from '../../src/envelope/format.js'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { sealCompressed, type Sealing, sealRaw } from '../../src/envelope/seal.js'
import { noise } from '../support/sample-values.js'
import { CHECKED, GUARD_BYTES, GUARDED, SWEPT } from './sealed-cases.js'

const abc = Buffer.from('abc')
const hex = (spaced: string) => spaced.replaceAll(' ', '')

const EXPIRY = { expiresAt: 0x010203040506 }
const PROBE = { probe: { codecId: 2, effort: 19 } }

// The checksums were worked out from docs/format.md by another program.
describe('a raw value is stored as payload, crc32c, [expiresAt], [probe, extra], tag', () => {
  test.each([
    { what: 'with checksum', sealing: {}, stored: '616263 b8fdc427 03' },
    { what: 'with expiry', sealing: EXPIRY, stored: '616263 91daa1b5 060504030201 43' },
    { what: 'with probe', sealing: PROBE, stored: '616263 498e8807 0213 01 83' },
    {
      what: 'with expiry and probe',
      sealing: { ...EXPIRY, ...PROBE },
      stored: '616263 1636d0c0 060504030201 0213 01 c3'
    },
    { what: 'without checksum', sealing: { mayOmitChecksum: true }, stored: '616263 00' },
    { what: 'with guard', sealing: { guard: GUARDED }, stored: '616263 b8fdc427 03 8a13c5520e77f0ff' },
    {
      what: 'without checksum, with guard',
      sealing: { guard: GUARDED, mayOmitChecksum: true },
      stored: '616263 00 8a13c5520e77f0ff'
    },
    { what: 'after the sweep', sealing: { guard: SWEPT }, stored: '616263 b8fdc427 03' }
  ])('$what', ({ sealing, stored }) => {
    expect(sealRaw(abc, { ...CHECKED, ...sealing }).toString('hex')).toBe(hex(stored))
  })

  test('the last expiry that is possible fills its six bytes, and a later one does not fit', () => {
    const stored = sealRaw(abc, { ...CHECKED, expiresAt: MAX_EXPIRES_AT })
    expect(stored.subarray(-7).toString('hex')).toBe('ffffffffffff43')
    expect(() => sealRaw(abc, { ...CHECKED, expiresAt: MAX_EXPIRES_AT + 1 })).toThrow(RangeError)
  })

  test('an empty value is its trailer alone', () => {
    expect(sealRaw(Buffer.alloc(0), CHECKED).toString('hex')).toBe(hex('a5a02d41 03'))
    expect(sealRaw(Buffer.alloc(0), { ...CHECKED, mayOmitChecksum: true }).toString('hex')).toBe('00')
  })
})

describe('a compressed value is stored as payload, crc32c, rawLen, [expiresAt], [probe], [codec], [extra], tag', () => {
  test.each([
    { what: 'LZ4, size left out', id: 1, from: '03000000 30616263', raw: 3, stored: '30616263 6a4a8445 03 09' },
    { what: 'LZ4, width 1', id: 1, from: '03000000 aabbcc', raw: 3, stored: 'aabbcc b15a22db 03 09' },
    { what: 'LZ4, width 2', id: 1, from: '34120000 aabbcc', raw: 0x1234, stored: 'aabbcc fabccd83 3412 11' },
    { what: 'LZ4, width 4', id: 1, from: '56341200 aabbcc', raw: 0x123456, stored: 'aabbcc a64e853d 56341200 19' },
    { what: 'Zstandard, magic left out', id: 2, from: '28b52ffd aabb', raw: 3, stored: 'aabb de597a13 03 0a' },
    { what: 'Zstandard, width 2', id: 2, from: '28b52ffd aabb', raw: 0x1234, stored: 'aabb d210679b 3412 12' },
    {
      what: 'Zstandard, width 4, whole',
      id: 2,
      from: '28b52ffd aabb',
      raw: 0x123456,
      stored: '28b52ffdaabb c744e3d6 56341200 1a'
    },
    { what: 'own codec, width 1', id: 200, from: '99', raw: 3, stored: '99 89f95ff5 03 c8 0f' },
    { what: 'own codec, width 2', id: 200, from: '99', raw: 0x1234, stored: '99 84417e7e 3412 c8 17' },
    { what: 'own codec, width 4', id: 200, from: '99', raw: 0x123456, stored: '99 434f15a6 56341200 c8 1f' }
  ])('$what', ({ id, from, raw, stored }) => {
    expect(sealCompressed(id, Buffer.from(hex(from), 'hex'), raw, CHECKED)!.toString('hex')).toBe(hex(stored))
  })

  test('a value with every field that this version writes', () => {
    const everything: Sealing = { ...CHECKED, guard: GUARDED, ...EXPIRY, ...PROBE }
    expect(sealCompressed(200, Buffer.of(0x99), 3, everything)!.toString('hex')).toBe(
      hex('99 a3dd14e9 03 060504030201 0213 c8 01 cf 8a13c5520e77f0ff')
    )
    expect(
      sealCompressed(2, Buffer.from('28b52ffdaabb', 'hex'), 3, { ...everything, guard: NO_GUARD })!.toString('hex')
    ).toBe(hex('aabb b90dd1bd 03 060504030201 0213 01 ca'))
  })

  test('LZ4 keeps its own size in front instead of rawLen from 512 bytes on, for values of 64 KiB and more', () => {
    const large = Buffer.concat([Buffer.from('00000100', 'hex'), noise(508)])
    const whole = sealCompressed(1, large, 0x10000, CHECKED)!
    expect(whole.subarray(0, 512)).toEqual(large)
    expect(whole).toHaveLength(512 + 4 + 1)
    expect(whole.at(-1)).toBe(0x01)

    const shorter = sealCompressed(1, large.subarray(0, 511), 0x10000, CHECKED)!
    expect(shorter).toHaveLength(507 + 4 + 4 + 1)
    expect(shorter.at(-1)).toBe(0x19)

    const smallerValue = sealCompressed(1, large, 0xffff, CHECKED)!
    expect(smallerValue).toHaveLength(508 + 4 + 2 + 1)
    expect(smallerValue.at(-1)).toBe(0x11)
  })

  test.each([
    { rawLength: 0, width: 1 },
    { rawLength: 0xff, width: 1 },
    { rawLength: 0x100, width: 2 },
    { rawLength: 0xffff, width: 2 },
    { rawLength: 0x10000, width: 4 },
    { rawLength: 0xffffffff, width: 4 }
  ])('a rawLen of $rawLength takes $width bytes', ({ rawLength, width }) => {
    const stored = sealCompressed(200, abc, rawLength, CHECKED)!
    expect(stored).toHaveLength(abc.length + 4 + width + 1 + 1)
    expect(stored.readUIntLE(abc.length + 4, width)).toBe(rawLength)
  })
})

describe('the overhead', () => {
  test.each([
    { what: 'a short value without checksum', bytes: 1, sealing: { mayOmitChecksum: true } },
    { what: 'a value with checksum', bytes: 5, sealing: {} },
    { what: 'an expiry', bytes: 5 + 6, sealing: EXPIRY },
    { what: 'a probe', bytes: 5 + 3, sealing: PROBE },
    { what: 'expiry and probe', bytes: 5 + 9, sealing: { ...EXPIRY, ...PROBE } },
    { what: 'a guard', bytes: 5 + 8, sealing: { guard: GUARDED } },
    { what: 'a guard after the sweep', bytes: 5, sealing: { guard: SWEPT } }
  ])('of $what is $bytes bytes', ({ bytes, sealing }) => {
    expect(sealRaw(abc, { ...CHECKED, ...sealing })).toHaveLength(3 + bytes)
  })

  test('of a compressed value counts towards the largest size to accept, the guard does not', () => {
    for (const sealing of [{}, EXPIRY, PROBE, { ...EXPIRY, ...PROBE }]) {
      for (const codecId of [1, 2, 200]) {
        for (const rawLength of [0, 0xff, 0x100, 0xffff, 0x10000]) {
          for (const compressed of [noise(20), noise(511), noise(512)]) {
            const sealWithin = (maxSize?: number, guard = NO_GUARD) =>
              sealCompressed(codecId, compressed, rawLength, { ...CHECKED, ...sealing, guard }, maxSize)
            const stored = sealWithin()!
            expect(stored.equals(sealWithin(stored.length)!)).toBe(true)
            expect(sealWithin(stored.length - 1)).toBeUndefined()
            expect(sealWithin(stored.length, GUARDED)!.equals(Buffer.concat([stored, GUARD_BYTES]))).toBe(true)
            expect(sealWithin(stored.length - 1, GUARDED)).toBeUndefined()
          }
        }
      }
    }
  })
})

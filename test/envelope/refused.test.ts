import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { openEnvelope } from '../../src/envelope/open.js'
import { sealRaw } from '../../src/envelope/seal.js'
import { text } from '../support/sample-values.js'
import { thrownCode } from '../support/thrown-code.js'
import { intactEnvelope } from './intact-envelope.js'
import { CHECKED, CHECKED_CASES, GUARDED, GUARD_BYTES, openValue, seal, UNLIMITED } from './sealed-cases.js'

const abc = Buffer.from('abc')

function codeOf(stored: Buffer, maxValueSize = UNLIMITED) {
  return thrownCode(() => openEnvelope(stored, NO_GUARD, maxValueSize))
}

describe('intact bytes of a later version are not supported, never missing or guessed', () => {
  test.each([4, 5, 6])('kind %i', kind => {
    for (let upperBits = 0; upperBits < 4; upperBits++) {
      const tag = kind | (upperBits << 3)
      const rawLen = [[], [3], [3, 0], [3, 0, 0, 0]][upperBits]!
      expect(codeOf(intactEnvelope(abc, [...rawLen, tag]))).toBe('LEVEL_NOT_SUPPORTED')
    }
    expect(() => openEnvelope(intactEnvelope(abc, [kind]), NO_GUARD, UNLIMITED)).toThrow(/kind \d, .*: upgrade/)
  })

  test.each([0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xfc])('extra bits %i', extra => {
    expect(codeOf(intactEnvelope(abc, [extra, 0x83]))).toBe('LEVEL_NOT_SUPPORTED')
    expect(() => openEnvelope(intactEnvelope(abc, [extra, 0x83]), NO_GUARD, UNLIMITED)).toThrow(`extra bits ${extra}`)
  })

  test('a filter beside a probe', () => {
    expect(codeOf(intactEnvelope(abc, [2, 19, 0x03, 0x83]))).toBe('LEVEL_NOT_SUPPORTED')
  })

  test('the same behind a guard', () => {
    const stored = Buffer.concat([intactEnvelope(abc, [5]), GUARD_BYTES])
    expect(thrownCode(() => openEnvelope(stored, GUARDED, UNLIMITED))).toBe('LEVEL_NOT_SUPPORTED')
  })

  test('damage to them is damage first', () => {
    const stored = intactEnvelope(abc, [5])
    stored[0]! ^= 1
    expect(codeOf(stored)).toBe('LEVEL_CORRUPTION')
  })
})

describe('intact bytes that contradict themselves are corrupt', () => {
  test('a dictionary of a raw value, or with a length of 0 or 4 bytes', () => {
    expect(codeOf(intactEnvelope(abc, [7, 0, 0x23]))).toBe('LEVEL_CORRUPTION')
    for (const kind of [1, 2]) {
      expect(codeOf(intactEnvelope(Buffer.alloc(600), [7, 0, 0x20 | kind]))).toBe('LEVEL_CORRUPTION')
      expect(codeOf(intactEnvelope(abc, [3, 0, 0, 0, 7, 0, 0x38 | kind]))).toBe('LEVEL_CORRUPTION')
      expect(codeOf(intactEnvelope(abc, [3, 7, 0, 0x28 | kind]))).toBe(undefined)
      expect(codeOf(intactEnvelope(abc, [3, 0, 7, 0, 0x30 | kind]))).toBe(undefined)
    }
  })

  test('the tag 0xff', () => {
    expect(codeOf(intactEnvelope(abc, [3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 3, 200, 1, 0xff]))).toBe(
      'LEVEL_CORRUPTION'
    )
  })

  test('a raw value that states a length', () => {
    expect(codeOf(intactEnvelope(abc, [2, 0x0b]))).toBe('LEVEL_CORRUPTION')
    expect(codeOf(intactEnvelope(abc, [0xff, 0xff, 0xff, 0xff, 0x1b]))).toBe('LEVEL_CORRUPTION')
    expect(codeOf(intactEnvelope(abc, [3, 0x0b]))).toBe('LEVEL_CORRUPTION')
  })

  test.each([
    { what: 'Zstandard', afterCrc: [0x02] },
    { what: 'another codec', afterCrc: [200, 0x07] }
  ])('$what without rawLen', ({ afterCrc }) => {
    expect(codeOf(intactEnvelope(text(600), afterCrc))).toBe('LEVEL_CORRUPTION')
    expect(() => openEnvelope(intactEnvelope(abc, afterCrc), NO_GUARD, UNLIMITED)).toThrow(/without its length/)
  })

  test('LZ4 with neither rawLen nor a size in front', () => {
    for (let length = 0; length < 4; length++) {
      expect(codeOf(intactEnvelope(Buffer.alloc(length), [0x01]))).toBe('LEVEL_CORRUPTION')
    }
    expect(openValue(intactEnvelope(Buffer.of(0, 0, 0, 0, 0), [0x01]), NO_GUARD)).toHaveLength(0)
  })

  test('a built-in codec under the kind of others', () => {
    for (const id of [0, 1, 2]) expect(codeOf(intactEnvelope(abc, [3, id, 0x0f]))).toBe('LEVEL_CORRUPTION')
  })

  test('a trailer longer than all there is', () => {
    for (const tag of Array.from({ length: 0xff }, (_, byte) => byte).filter(byte => (byte & 7) !== 0)) {
      expect(codeOf(Buffer.of(tag)), `tag ${tag}`).toBe('LEVEL_CORRUPTION')
      expect(codeOf(Buffer.of(1, 2, 3, tag)), `tag ${tag}`).toBe('LEVEL_CORRUPTION')
    }
    expect(codeOf(Buffer.alloc(0))).toBe('LEVEL_CORRUPTION')
  })
})

describe('the error says what is wrong', () => {
  const badChecksum = intactEnvelope(abc, [0x03])
  badChecksum[0]! ^= 1

  test.each([
    { stored: Buffer.alloc(0), message: 'no bytes where an envelope should be' },
    { stored: Buffer.of(0x03), message: 'shorter than its trailer' },
    { stored: badChecksum, message: 'its checksum does not match' },
    { stored: intactEnvelope(abc, [3, 0x0b]), message: 'a raw value with a length' },
    { stored: Buffer.of(0xff), message: 'not with the guard of this store' }
  ])('$message', ({ stored, message }) => {
    expect(() => openEnvelope(stored, NO_GUARD, UNLIMITED)).toThrow(message)
  })
})

describe('a raw length of 4 GiB - 1', () => {
  const block = Buffer.from('30616263', 'hex')
  const lying = [
    { what: 'LZ4, in rawLen', stored: intactEnvelope(block, [255, 255, 255, 255, 0x19]) },
    { what: 'LZ4, in front', stored: intactEnvelope(Buffer.concat([Buffer.alloc(4, 255), text(600)]), [0x01]) },
    {
      what: 'Zstandard',
      stored: intactEnvelope(Buffer.from('28b52ffd2003190000616263', 'hex'), [255, 255, 255, 255, 0x1a])
    }
  ]

  test.each(lying)('is refused by maxValueSize: $what', ({ stored }) => {
    expect(codeOf(stored, 1024 ** 3)).toBe('CKV_VALUE_TOO_LARGE')
  })

  test.each(lying)('is refused by the codec where maxValueSize allows it: $what', ({ stored }) => {
    expect(thrownCode(() => openValue(stored, NO_GUARD))).toBe('LEVEL_CORRUPTION')
  })
})

describe('maxValueSize', () => {
  test.each(CHECKED_CASES.filter(({ value }) => value.length > 0))('bounds $name to the byte', sealedCase => {
    const stored = seal(sealedCase, CHECKED)
    const { length } = sealedCase.value
    expect(codeOf(stored, length)).toBeUndefined()
    expect(codeOf(stored, length - 1)).toBe('CKV_VALUE_TOO_LARGE')
    expect(() => openEnvelope(stored, NO_GUARD, length - 1)).toThrow(
      `${length} bytes is larger than maxValueSize, ${length - 1}`
    )
  })

  test('bounds values without checksum', () => {
    const stored = sealRaw(text(100), { ...CHECKED, mayOmitChecksum: true })
    expect(codeOf(stored, 100)).toBeUndefined()
    expect(codeOf(stored, 99)).toBe('CKV_VALUE_TOO_LARGE')
  })
})

test('any bytes open or are refused with a code', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.integer({ min: 0, max: 255 }), (bytes, tag) => {
      for (const stored of [Buffer.from(bytes), Buffer.from([...bytes, tag])]) {
        expect([undefined, 'LEVEL_CORRUPTION']).toContain(codeOf(stored))
      }
    })
  )
})

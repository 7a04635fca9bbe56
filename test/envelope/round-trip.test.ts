import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codecForReading } from '../../src/codec/registry.js'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { codecInput, openEnvelope } from '../../src/envelope/open.js'
import { sealRaw } from '../../src/envelope/seal.js'
import { noise, text } from '../support/sample-values.js'
import { CHECKED, CHECKED_CASES, GUARDED, openValue, OWN_CODEC_ID, seal, SWEPT, UNLIMITED } from './sealed-cases.js'

const GUARDS = [
  { store: 'a store begun empty', guard: NO_GUARD },
  { store: 'a guarded store', guard: GUARDED },
  { store: 'a swept store', guard: SWEPT }
]
const EXTRAS = [
  { expiresAt: undefined, probe: undefined },
  { expiresAt: 0, probe: undefined },
  { expiresAt: 2 ** 48 - 1, probe: undefined },
  { expiresAt: undefined, probe: { codecId: 255, effort: 255 } },
  { expiresAt: 1_700_000_000_000, probe: { codecId: 1, effort: 0 } }
]

describe.each(GUARDS)('in $store', ({ guard }) => {
  test.each(CHECKED_CASES)('$name comes back, with its expiry and its probe', sealedCase => {
    for (const extras of EXTRAS) {
      const stored = seal(sealedCase, { guard, mayOmitChecksum: false, ...extras })
      expect(openEnvelope(stored, guard, UNLIMITED)).toMatchObject({
        enveloped: true,
        codecId: sealedCase.codecId,
        rawLength: sealedCase.value.length,
        ...extras
      })
      expect(sealedCase.value.equals(openValue(stored, guard))).toBe(true)
    }
  })

  test.each([0, 1, 511])('%i raw bytes without checksum come back', length => {
    const value = noise(length)
    const stored = sealRaw(value, { guard, mayOmitChecksum: true })
    expect(openEnvelope(stored, guard, UNLIMITED)).toEqual({
      enveloped: true,
      codecId: 0,
      payload: value,
      rawLength: length,
      expiresAt: undefined,
      probe: undefined,
      prefixLeftOut: false
    })
  })

  test('any bytes come back, whatever the codec, the expiry and the probe', async () => {
    const byte = fc.integer({ min: 0, max: 255 })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 600 }),
          fc
            .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(70_000))
            .map(([unit, n]) => Buffer.alloc(n, unit))
        ),
        fc.constantFrom(0, 1, 2, OWN_CODEC_ID),
        fc.option(fc.integer({ min: 0, max: 2 ** 48 - 1 }), { nil: undefined }),
        fc.option(fc.record({ codecId: byte, effort: byte }), { nil: undefined }),
        fc.boolean(),
        async (bytes, codecId, expiresAt, probe, mayOmitChecksum) => {
          const value = Buffer.from(bytes)
          const stored = seal({ name: '', codecId, value }, { guard, mayOmitChecksum, expiresAt, probe })
          const opened = openEnvelope(stored, guard, value.length)
          expect(opened).toMatchObject({ enveloped: true, codecId, rawLength: value.length, expiresAt, probe })
          const restored = await codecForReading(codecId).decompress(codecInput(opened), opened.rawLength)
          expect(value.equals(restored)).toBe(true)
        }
      )
    )
  })
})

describe('memory', () => {
  test('a payload starts where the stored bytes do and shares their memory', () => {
    for (const sealedCase of CHECKED_CASES) {
      for (const guard of [NO_GUARD, GUARDED]) {
        const stored = seal(sealedCase, { ...CHECKED, guard })
        const { payload } = openEnvelope(stored, guard, UNLIMITED)
        expect(payload.buffer, `of ${sealedCase.name}`).toBe(stored.buffer)
        expect(payload.byteOffset, `of ${sealedCase.name}`).toBe(stored.byteOffset)
      }
    }
  })

  test('large values go to their codec without a copy', () => {
    for (const sealedCase of CHECKED_CASES.filter(({ name }) => /LZ4, width 0|Zstandard, width 4|own/.test(name))) {
      const opened = openEnvelope(seal(sealedCase, CHECKED), NO_GUARD, UNLIMITED)
      expect(codecInput(opened), `of ${sealedCase.name}`).toBe(opened.payload)
    }
  })

  test('what a codec wrote comes to it whole again', () => {
    for (const { name, codecId, value } of CHECKED_CASES.filter(sealedCase => sealedCase.codecId !== 0)) {
      const compressed = Buffer.from(codecForReading(codecId).compressSync!(value))
      const opened = openEnvelope(seal({ name, codecId, value }, CHECKED), NO_GUARD, UNLIMITED)
      expect(codecInput(opened).equals(compressed), `of ${name}`).toBe(true)
    }
  })

  test('an envelope shares none with what was sealed', () => {
    for (const codecId of [0, OWN_CODEC_ID]) {
      const value = text(100)
      const stored = seal({ name: '', codecId, value }, CHECKED)
      value.fill(0)
      expect(text(100).equals(openValue(stored, NO_GUARD))).toBe(true)
    }
  })
})

test('a stored value that stands inside a larger buffer opens the same', () => {
  for (const sealedCase of CHECKED_CASES) {
    const stored = seal(sealedCase, { ...CHECKED, guard: GUARDED })
    const padded = Buffer.concat([Buffer.alloc(13, 0xff), stored, Buffer.alloc(13, 0xff)])
    expect(sealedCase.value.equals(openValue(padded.subarray(13, -13), GUARDED)), `of ${sealedCase.name}`).toBe(true)
  }
})

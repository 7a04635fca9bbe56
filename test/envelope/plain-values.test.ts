import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Guard, NO_GUARD, unguard } from '../../src/envelope/guard.js'
import { codecInput, openEnvelope } from '../../src/envelope/open.js'
import { sealRaw } from '../../src/envelope/seal.js'
import { noise, text } from '../support/sample-values.js'
import { thrownCode } from '../support/thrown-code.js'
import { CHECKED, GUARD_BYTES, GUARDED, SWEPT, UNLIMITED } from './sealed-cases.js'

describe('a plain value in a guarded store', () => {
  test('opens as it is, without a copy', () => {
    for (const plain of [Buffer.alloc(0), Buffer.of(0xff), GUARD_BYTES.subarray(1), text(1000), noise(1000)]) {
      const opened = openEnvelope(plain, GUARDED, UNLIMITED)
      expect(opened).toEqual({
        enveloped: false,
        codecId: 0,
        payload: plain,
        rawLength: plain.length,
        expiresAt: undefined,
        probe: undefined,
        prefixLeftOut: false
      })
      expect(opened.payload).toBe(plain)
      expect(codecInput(opened)).toBe(plain)
    }
  })

  test('may be longer than maxValueSize, since it was there before that option was given', () => {
    expect(openEnvelope(text(100), GUARDED, 10).payload).toEqual(text(100))
  })

  test('may look like an envelope without guard, or like one of another store', () => {
    const unguarded = sealRaw(text(50), CHECKED)
    const foreign: Guard = { bytes: Buffer.from('11223344556677ff', 'hex'), plainValues: true }
    const guardedElsewhere = sealRaw(text(50), { ...CHECKED, guard: foreign })
    for (const plain of [unguarded, guardedElsewhere]) {
      expect(openEnvelope(plain, GUARDED, UNLIMITED)).toMatchObject({ enveloped: false, payload: plain })
    }
  })

  test('is any bytes whose end differs from the guard', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
        const plain = Buffer.from(bytes)
        expect(openEnvelope(plain, GUARDED, UNLIMITED)).toMatchObject({ enveloped: false, payload: plain })
      })
    )
  })
})

describe('unguard', () => {
  const envelope = sealRaw(text(10), CHECKED)
  const guarded = Buffer.concat([envelope, GUARD_BYTES])

  test('takes the guard off, before the sweep and after it', () => {
    expect(unguard(guarded, GUARDED)).toEqual(envelope)
    expect(unguard(guarded, SWEPT)).toEqual(envelope)
    expect(unguard(GUARD_BYTES, GUARDED)).toEqual(Buffer.alloc(0))
  })

  test('without a guard, calls a value plain before the sweep and an envelope after it', () => {
    expect(unguard(envelope, GUARDED)).toBeUndefined()
    expect(unguard(envelope, SWEPT)).toBe(envelope)
    expect(unguard(Buffer.alloc(7), SWEPT)).toHaveLength(7)
  })

  test('leaves everything alone in a store whose backend was empty when it was wrapped', () => {
    expect(unguard(guarded, NO_GUARD)).toBe(guarded)
    expect(unguard(Buffer.alloc(0), NO_GUARD)).toHaveLength(0)
  })

  test('has neither guard nor plain values for a store whose backend was empty', () => {
    expect(NO_GUARD).toEqual({ bytes: undefined, plainValues: false })
  })

  test('says that the guard is damaged', () => {
    const damaged = Buffer.from(guarded)
    damaged[damaged.length - 3]! ^= 0x10
    expect(thrownCode(() => unguard(damaged, GUARDED))).toBe('LEVEL_CORRUPTION')
    expect(() => unguard(damaged, SWEPT)).toThrow(/guard is damaged/)
  })
})

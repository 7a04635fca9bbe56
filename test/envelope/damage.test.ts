import { describe, expect, test } from 'vitest'
import { type Guard, NO_GUARD } from '../../src/envelope/guard.js'
import { openEnvelope } from '../../src/envelope/open.js'
import { sealRaw } from '../../src/envelope/seal.js'
import { everyBitFlipped, noise, text } from '../support/sample-values.js'
import { thrownCode } from '../support/thrown-code.js'
import { CHECKED_CASES, GUARD_BYTES, GUARDED, openValue, seal, SWEPT, UNLIMITED } from './sealed-cases.js'

const STORES: { store: string; sealedWith: Guard; openedWith: Guard }[] = [
  { store: 'a store begun empty', sealedWith: NO_GUARD, openedWith: NO_GUARD },
  { store: 'a guarded store', sealedWith: GUARDED, openedWith: GUARDED },
  { store: 'a swept store, guarded', sealedWith: GUARDED, openedWith: SWEPT },
  { store: 'a swept store, not guarded', sealedWith: SWEPT, openedWith: SWEPT }
]
const EXTRAS = [{}, { expiresAt: 1_700_000_000_123 }, { probe: { codecId: 2, effort: 9 } }]

function codeOfOpening(stored: Buffer, guard: Guard) {
  return thrownCode(() => openEnvelope(stored, guard, UNLIMITED))
}

describe.each(STORES)('in $store', ({ sealedWith, openedWith }) => {
  test.each(CHECKED_CASES)('every flipped bit of $name is seen', sealedCase => {
    for (const extras of EXTRAS) {
      const stored = seal(sealedCase, { guard: sealedWith, mayOmitChecksum: false, ...extras })
      const unseen: number[] = []
      for (const { bit, flipped } of everyBitFlipped(stored)) {
        if (codeOfOpening(flipped, openedWith) !== 'LEVEL_CORRUPTION') unseen.push(bit)
      }
      expect(unseen, `bits of ${stored.length} bytes`).toEqual([])
      expect(openValue(stored, openedWith)).toHaveLength(sealedCase.value.length)
    }
  })

  test('every flipped bit of the tag of an unchecked value is seen', () => {
    for (const length of [0, 1, 511]) {
      const stored = sealRaw(text(length), { guard: sealedWith, mayOmitChecksum: true })
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(stored)
        flipped[length]! ^= 1 << bit
        expect(codeOfOpening(flipped, openedWith), `bit ${bit}`).toBe('LEVEL_CORRUPTION')
      }
    }
  })
})

describe('the guard', () => {
  const stored = sealRaw(text(20), { guard: GUARDED, mayOmitChecksum: false })
  const guardAt = stored.length - GUARD_BYTES.length

  /** `stored` with these bits of its guard flipped. */
  function withGuardBits(...bits: number[]): Buffer {
    const changed = Buffer.from(stored)
    for (const bit of bits) changed[guardAt + (bit >>> 3)]! ^= 1 << (bit & 7)
    return changed
  }

  test('is damaged, not missing, when any two of its bits are flipped', () => {
    const unseen: number[][] = []
    for (const guard of [GUARDED, SWEPT]) {
      for (let first = 0; first < 64; first++) {
        for (let second = first + 1; second < 64; second++) {
          const code = codeOfOpening(withGuardBits(first, second), guard)
          if (code !== 'LEVEL_CORRUPTION') unseen.push([first, second])
        }
      }
    }
    expect(unseen).toEqual([])
  })

  test('is missing when three are: the value is plain, and after the sweep no valid envelope', () => {
    for (const bits of [[0, 1, 2] as const, [0, 30, 63] as const, [61, 62, 63] as const]) {
      const changed = withGuardBits(...bits)
      expect(openEnvelope(changed, GUARDED, UNLIMITED)).toMatchObject({ enveloped: false, payload: changed })
      expect(codeOfOpening(changed, SWEPT)).toBe('LEVEL_CORRUPTION')
    }
  })

  test('without an envelope before it is corrupt', () => {
    expect(codeOfOpening(GUARD_BYTES, GUARDED)).toBe('LEVEL_CORRUPTION')
    expect(codeOfOpening(Buffer.concat([noise(100), GUARD_BYTES]), GUARDED)).toBe('LEVEL_CORRUPTION')
  })

  test('of another store is refused where there are no plain values', () => {
    const other = Buffer.from('01020304050607ff', 'hex')
    const foreign = sealRaw(text(20), { guard: { bytes: other, plainValues: true }, mayOmitChecksum: false })
    expect(codeOfOpening(foreign, NO_GUARD)).toBe('LEVEL_CORRUPTION')
    expect(() => openEnvelope(foreign, NO_GUARD, UNLIMITED)).toThrow(/not with the guard of this store/)
    expect(codeOfOpening(foreign, SWEPT)).toBe('LEVEL_CORRUPTION')
  })
})

describe('cut anywhere,', () => {
  test.each(CHECKED_CASES)('$name is corrupt', sealedCase => {
    const stored = seal(sealedCase, { guard: NO_GUARD, mayOmitChecksum: false })
    const unseen: number[] = []
    for (let length = 0; length < stored.length; length++) {
      const cut = stored.subarray(0, length)
      // Short bytes that end with 00 are what an unchecked value looks like: of a backend that cuts values, they go unseen.
      const expected = cut.at(-1) === 0 && length <= 512 ? undefined : 'LEVEL_CORRUPTION'
      if (codeOfOpening(cut, NO_GUARD) !== expected) unseen.push(length)
    }
    expect(unseen, `cuts of ${stored.length} bytes`).toEqual([])
  })

  test('text with a checksum is corrupt at every length', () => {
    const stored = sealRaw(text(300), { guard: NO_GUARD, mayOmitChecksum: false })
    for (let length = 0; length < stored.length; length++) {
      expect(codeOfOpening(stored.subarray(0, length), NO_GUARD), `${length} bytes`).toBe('LEVEL_CORRUPTION')
    }
  })

  test('a guarded envelope never opens as one', () => {
    const stored = sealRaw(text(300), { guard: GUARDED, mayOmitChecksum: false })
    for (let length = 0; length < stored.length; length++) {
      const cut = stored.subarray(0, length)
      expect(openEnvelope(cut, GUARDED, UNLIMITED).enveloped, `${length} bytes`).toBe(false)
    }
  })
})

test('bytes in front of an envelope, and a doubled one, are corrupt', () => {
  const stored = sealRaw(text(30), { guard: NO_GUARD, mayOmitChecksum: false })
  expect(codeOfOpening(Buffer.concat([Buffer.of(1), stored]), NO_GUARD)).toBe('LEVEL_CORRUPTION')
  expect(codeOfOpening(Buffer.concat([stored, stored]), NO_GUARD)).toBe('LEVEL_CORRUPTION')
})

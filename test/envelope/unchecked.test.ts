import { describe, expect, test } from 'vitest'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { openEnvelope } from '../../src/envelope/open.js'
import { sealRaw } from '../../src/envelope/seal.js'
import { noise } from '../support/sample-values.js'
import { thrownCode } from '../support/thrown-code.js'
import { UNLIMITED } from './sealed-cases.js'

const UNCHECKED = { guard: NO_GUARD, mayOmitChecksum: true }

describe('a value goes without checksum', () => {
  test.each([0, 1, 127, 128, 511])('at %i bytes', length => {
    const stored = sealRaw(noise(length), UNCHECKED)
    expect(stored).toHaveLength(length + 1)
    expect(stored.at(-1)).toBe(0)
  })

  test.each([512, 513, 10_000])('never at %i bytes', length => {
    const stored = sealRaw(noise(length), UNCHECKED)
    expect(stored).toHaveLength(length + 5)
    expect(stored.at(-1)).toBe(3)
  })

  test('never over a backend without checksums of its own', () => {
    expect(sealRaw(noise(10), { ...UNCHECKED, mayOmitChecksum: false }).at(-1)).toBe(3)
  })

  test('never with an expiry or a probe', () => {
    expect(sealRaw(noise(10), { ...UNCHECKED, expiresAt: 0 }).at(-1)).toBe(0x43)
    expect(sealRaw(noise(10), { ...UNCHECKED, probe: { codecId: 0, effort: 0 } }).at(-1)).toBe(0x83)
  })
})

describe('reading one', () => {
  test('takes up to 511 bytes before a tag of exactly 0, under any option', () => {
    for (let length = 0; length < 512; length++) {
      expect(openEnvelope(Buffer.concat([noise(length), Buffer.of(0)]), NO_GUARD, UNLIMITED).rawLength).toBe(length)
    }
  })

  test.each([512, 513, 65_536])('refuses %i bytes', length => {
    const stored = Buffer.concat([noise(length), Buffer.of(0)])
    expect(thrownCode(() => openEnvelope(stored, NO_GUARD, UNLIMITED))).toBe('LEVEL_CORRUPTION')
  })

  test('refuses every other tag of kind 0', () => {
    for (let tag = 8; tag < 256; tag += 8) {
      const stored = Buffer.concat([noise(100), Buffer.of(tag)])
      expect(
        thrownCode(() => openEnvelope(stored, NO_GUARD, UNLIMITED)),
        `tag ${tag}`
      ).toBe('LEVEL_CORRUPTION')
    }
    expect(() => openEnvelope(Buffer.of(8), NO_GUARD, UNLIMITED)).toThrow(/tag makes no sense/)
  })
})

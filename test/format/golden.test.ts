import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { codecForReading } from '../../src/codec/registry.js'
import type { Guard } from '../../src/envelope/guard.js'
import { codecInput, openEnvelope } from '../../src/envelope/open.js'
import { decodeMarker, encodeMarker } from '../../src/store/marker.js'
import { openValue, OWN_CODEC_ID, UNLIMITED } from '../envelope/sealed-cases.js'
import { everyBitFlipped } from '../support/sample-values.js'
import { thrownCode } from '../support/thrown-code.js'

// Written once by version 1. Whatever comes later must read them: they are never edited and never made again. Codec 200 in
// them is a user's own, registered by sealed-cases.ts: every byte of the value XOR 0x5a.
const SHA256 = {
  'envelopes-v1.json': '982a70646070bfc2780fc8e8e18ea6fddd5e00d7a618896b3030e9adf9cef5f3',
  'marker-v1.json': '9cfbf3961f5f435f3276627ba37b90917592fa394b47a56dee1e4ee721e22aff'
}

interface EnvelopeFixture {
  readonly name: string
  /** base64 */
  readonly stored: string
  /** hex */
  readonly guard: string | null
  readonly plainValues: boolean
  readonly expected: {
    readonly kind: 'envelope' | 'plain'
    readonly codec: number
    /** base64 */
    readonly value: string
    readonly expiresAt: number | null
    readonly probe: { readonly codecId: number; readonly effort: number } | null
  }
}

interface MarkerFixture {
  readonly name: string
  readonly stored: string
  readonly expected: {
    readonly storeId: string
    readonly guard: string | null
    readonly plainValues: boolean
    readonly ttlUsed: boolean
  }
}

function bytesOf(file: string): Buffer {
  return readFileSync(new URL(`fixtures/${file}`, import.meta.url))
}

function fixtures<T>(file: keyof typeof SHA256): T[] {
  return JSON.parse(bytesOf(file).toString()) as T[]
}

function read({ stored, guard, plainValues }: EnvelopeFixture) {
  const guardOfStore: Guard = { bytes: guard === null ? undefined : Buffer.from(guard, 'hex'), plainValues }
  const bytes = Buffer.from(stored, 'base64')
  return { bytes, guardOfStore, opened: openEnvelope(bytes, guardOfStore, UNLIMITED) }
}

const envelopes = fixtures<EnvelopeFixture>('envelopes-v1.json')
const markers = fixtures<MarkerFixture>('marker-v1.json')

test.each(Object.entries(SHA256))('nobody edited %s', (file, sha256) => {
  expect(createHash('sha256').update(bytesOf(file)).digest('hex')).toBe(sha256)
})

describe('a value stored by version 1 is read:', () => {
  test.each(envelopes)('$name', async fixture => {
    const { bytes, guardOfStore, opened } = read(fixture)
    expect({
      kind: opened.enveloped ? 'envelope' : 'plain',
      codec: opened.codecId,
      value: Buffer.from(openValue(bytes, guardOfStore)).toString('base64'),
      expiresAt: opened.expiresAt ?? null,
      probe: opened.probe ?? null
    }).toEqual(fixture.expected)

    const value = await codecForReading(opened.codecId).decompress(codecInput(opened), opened.rawLength)
    expect(Buffer.from(value).toString('base64')).toBe(fixture.expected.value)
  })

  test('by the codecs of version 1, in every kind', () => {
    expect(new Set(envelopes.map(({ expected }) => expected.codec))).toEqual(new Set([0, 1, 2, OWN_CODEC_ID]))
  })
})

describe('a marker stored by version 1', () => {
  test.each(markers)('of $name is read, and written the same', ({ stored, expected }) => {
    const bytes = Buffer.from(stored, 'base64')
    const marker = decodeMarker(bytes)
    expect({
      ...marker,
      storeId: marker.storeId.toString('hex'),
      guard: marker.guard?.toString('hex') ?? null,
      sweep: marker.sweep.length
    }).toEqual({ ...expected, logExists: false, logDirty: false, applied: 0, sweep: 0, unwrapping: false })
    expect(encodeMarker(marker)).toEqual(bytes)
  })

  test.each(markers)('of $name is refused with any bit flipped', ({ stored }) => {
    for (const { bit, flipped } of everyBitFlipped(Buffer.from(stored, 'base64'))) {
      expect(
        thrownCode(() => decodeMarker(flipped)),
        `bit ${bit}`
      ).toBe('LEVEL_CORRUPTION')
    }
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readEnvelope, readMarker } from './second-reader.js'

type EnvelopeFixture = {
  name: string
  stored: string
  guard: string | null
  plainValues: boolean
  expected: {
    kind: 'envelope' | 'plain'
    codec: number
    value: string
    expiresAt: number | null
    probe: { codecId: number; effort: number } | null
  }
}

type MarkerFixture = {
  name: string
  stored: string
  expected: { storeId: string; guard: string | null; plainValues: boolean; ttlUsed: boolean }
}

const XOR_CODEC = 200

const envelopes = fixtures<EnvelopeFixture>('envelopes-v1.json')
const markers = fixtures<MarkerFixture>('marker-v1.json')

function fixtures<T>(file: string): T[] {
  return JSON.parse(textOf(`fixtures/${file}`)) as T[]
}

function textOf(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8')
}

async function read(stored: Buffer, { guard, plainValues }: EnvelopeFixture): Promise<EnvelopeFixture['expected']> {
  const found = await readEnvelope(stored, guard === null ? null : Buffer.from(guard, 'hex'), plainValues)
  const value = found.codec === XOR_CODEC ? found.value.map(byte => byte ^ 0x5a) : found.value
  return { ...found, value: Buffer.from(value).toString('base64') }
}

describe('a reader written from docs/format.md alone', () => {
  test('has at most 150 lines', () => {
    expect(textOf('second-reader.ts').trimEnd().split('\n').length).toBeLessThanOrEqual(150)
  })

  test.each(envelopes)('reads the value: $name', async fixture => {
    expect(await read(Buffer.from(fixture.stored, 'base64'), fixture)).toEqual(fixture.expected)
  })

  test.each(envelopes.filter(isChecked))('refuses a flipped bit: $name', async fixture => {
    const stored = Buffer.from(fixture.stored, 'base64')
    for (const position of bitsWorthFlipping(stored)) {
      await expect(read(flipped(stored, position), fixture), `bit ${position}`).rejects.toThrow(Error)
    }
  })

  test.each(markers)('reads the marker: $name', ({ stored, expected }) => {
    const { storeId, guard, ...flags } = readMarker(Buffer.from(stored, 'base64'))
    const found = { storeId: storeId.toString('hex'), guard: guard === null ? null : guard.toString('hex'), ...flags }
    expect(found).toEqual(expected)
  })

  test.each(markers)('refuses a marker with a flipped bit: $name', ({ stored }) => {
    const bytes = Buffer.from(stored, 'base64')
    for (let position = 0; position < bytes.length * 8; position++) {
      expect(() => readMarker(flipped(bytes, position)), `bit ${position}`).toThrow(Error)
    }
  })
})

/** Neither plain values nor those of kind 0 carry a checksum. */
function isChecked({ stored, guard, expected }: EnvelopeFixture): boolean {
  const hex = Buffer.from(stored, 'base64').toString('hex')
  const envelope = guard !== null && hex.endsWith(guard) ? hex.slice(0, -guard.length) : hex
  return expected.kind === 'envelope' && !envelope.endsWith('00')
}

/** All of the trailer and the guard, and a sample of the payload, whose every bit weighs the same to a checksum. */
function bitsWorthFlipping(stored: Buffer): number[] {
  const bits = stored.length * 8
  const step = Math.max(1, Math.floor(bits / 16))
  return Array.from({ length: bits }, (_, i) => i).filter(i => i % step === 0 || i >= bits - 32 * 8)
}

function flipped(bytes: Buffer, position: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[position >> 3]! ^= 1 << (position & 7)
  return copy
}

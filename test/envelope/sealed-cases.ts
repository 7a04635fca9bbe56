import { codecForReading, registerCodec } from '../../src/codec/registry.js'
import type { Guard } from '../../src/envelope/guard.js'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { codecInput, openEnvelope } from '../../src/envelope/open.js'
import { sealCompressed, type Sealing, sealRaw } from '../../src/envelope/seal.js'
import { noise, text } from '../support/sample-values.js'

export const GUARD_BYTES = Buffer.from('8a13c5520e77f0ff', 'hex')

/** A store that held plain values before it was wrapped; the same one after its sweep; one begun empty. */
export const GUARDED: Guard = { bytes: GUARD_BYTES, plainValues: true }
export const SWEPT: Guard = { bytes: GUARD_BYTES, plainValues: false }
export const CHECKED: Sealing = { guard: NO_GUARD, mayOmitChecksum: false }

export const UNLIMITED = 2 ** 32
export const OWN_CODEC_ID = 200

registerCodec({
  id: OWN_CODEC_ID,
  name: 'xor',
  compress: async data => xor(data),
  decompress: async data => xor(data),
  compressSync: xor,
  decompressSync: xor
})

function xor(data: Uint8Array): Uint8Array {
  return data.map(byte => byte ^ 0x5a)
}

interface SealedCase {
  readonly name: string
  readonly codecId: number
  readonly value: Buffer
}

/** Text that LZ4 brings below 512 bytes, and noise repeated that it does not. */
const REPETITIVE = text(65_600)
const LESS_REPETITIVE = Buffer.alloc(65_600, noise(600))

/** Every kind that carries a checksum, with every width of rawLen. */
export const CHECKED_CASES: readonly SealedCase[] = [
  { name: 'raw, empty', codecId: 0, value: Buffer.alloc(0) },
  { name: 'raw, short', codecId: 0, value: noise(100) },
  { name: 'raw, long', codecId: 0, value: text(700) },
  { name: 'LZ4, width 1', codecId: 1, value: text(200) },
  { name: 'LZ4, width 2', codecId: 1, value: text(1000) },
  { name: 'LZ4, width 4', codecId: 1, value: REPETITIVE },
  { name: 'LZ4, width 0', codecId: 1, value: LESS_REPETITIVE },
  { name: 'Zstandard, width 1', codecId: 2, value: text(200) },
  { name: 'Zstandard, width 2', codecId: 2, value: text(1000) },
  { name: 'Zstandard, width 4', codecId: 2, value: REPETITIVE },
  { name: 'own codec, width 1', codecId: OWN_CODEC_ID, value: text(50) },
  { name: 'own codec, width 2', codecId: OWN_CODEC_ID, value: text(300) }
]

export function seal({ codecId, value }: SealedCase, sealing: Sealing): Buffer {
  if (codecId === 0) return sealRaw(value, sealing)
  return sealCompressed(codecId, codecForReading(codecId).compressSync!(value), value.length, sealing)!
}

/** What the store does on reading: open, and restore by the codec that the envelope names. */
export function openValue(stored: Buffer, guard: Guard, maxValueSize = UNLIMITED): Uint8Array {
  const opened = openEnvelope(stored, guard, maxValueSize)
  if (opened.codecId === 0) return opened.payload
  return codecForReading(opened.codecId).decompressSync!(codecInput(opened), opened.rawLength)
}

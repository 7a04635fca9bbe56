import { describe, expect, test } from 'vitest'
import { CODEC_ID as CODEC_IDS } from '../../src/codec/codec.js'
import { type Codec, lz4, none, registerCodec } from '../../src/index.js'
import { FRAME_TYPE } from '../../src/wal/format/format.js'
import type { FrameHeader } from '../../src/wal/format/frame-header.js'
import { restorePayload, storePayload } from '../../src/wal/format/frame-payload.js'
import { noise, text } from '../support/sample-values.js'

const KIB = 1024
const CODEC_ID = 241

/** Tells which of its functions were called, and makes of everything what it is told to. */
class TellingCodec implements Codec {
  readonly id: number = CODEC_ID
  readonly name = 'telling'
  readonly calls: string[] = []
  result: Uint8Array = Buffer.alloc(0)

  async compress(): Promise<Uint8Array> {
    this.calls.push('compress')
    return this.result
  }

  async decompress(): Promise<Uint8Array> {
    this.calls.push('decompress')
    return this.result
  }

  compressSync(): Uint8Array {
    this.calls.push('compressSync')
    return this.result
  }

  decompressSync(): Uint8Array {
    this.calls.push('decompressSync')
    return this.result
  }
}

const codec = new TellingCodec()
registerCodec(codec)

function headerOf(codecId: number, rawLength: number): FrameHeader {
  const numbers = { count: 1, firstSequence: 1, syncedOffset: 0, previousCrc: 0, payloadCrc: 0, crc: 0 }
  return { type: FRAME_TYPE.data, codecId, storedLength: 10, rawLength, ...numbers }
}

function callsOf(result: Uint8Array): string[] {
  codec.result = result
  codec.calls.length = 0
  return codec.calls
}

describe('the payload of a frame', () => {
  test('that LZ4 compresses at once takes the place of the raw one, and one that does not shrink stays as it is', async () => {
    for (const [raw, codecId] of [
      [text(10 * KIB), CODEC_IDS.lz4],
      [noise(10 * KIB), CODEC_IDS.none]
    ] as const) {
      const memory = Buffer.from(raw)
      const stored = await storePayload(memory, lz4())
      expect(stored.codecId).toBe(codecId)
      expect(stored.bytes.buffer).toBe(memory.buffer)
      expect(stored.bytes.byteOffset).toBe(memory.byteOffset)
      await storePayload(Buffer.from(text(12 * KIB)), lz4()) // The codec uses its own memory again.
      expect(await restorePayload(headerOf(codecId, raw.length), Buffer.from(stored.bytes))).toEqual(raw)
    }
  })

  test.each([
    [1, 'compressSync'],
    [16 * KIB - 1, 'compressSync'],
    [16 * KIB, 'compress']
  ])('of %i bytes is compressed with %s', async (bytes, call) => {
    const calls = callsOf(Buffer.alloc(0))
    expect(await storePayload(text(bytes), codec)).toMatchObject({ codecId: CODEC_ID })
    expect(calls).toEqual([call])
  })

  test('is compressed at once where that takes no other thread', () => {
    callsOf(Buffer.alloc(0))
    expect(storePayload(text(100), codec)).not.toBeInstanceOf(Promise)
  })

  test.each([100, 20 * KIB])('of %i bytes is stored compressed if that saves a tenth, else raw', async bytes => {
    const raw = text(bytes)
    callsOf(Buffer.alloc(Math.floor(bytes * 0.9)))
    expect(await storePayload(raw, codec)).toEqual({ codecId: CODEC_ID, bytes: codec.result })
    callsOf(Buffer.alloc(Math.floor(bytes * 0.9) + 1))
    expect(await storePayload(raw, codec)).toEqual({ codecId: 0, bytes: raw })
  })

  test("is not given to codec 'none', nor is an empty one to any", () => {
    const calls = callsOf(Buffer.alloc(0))
    const empty = Buffer.alloc(0)
    expect(storePayload(empty, codec)).toEqual({ codecId: 0, bytes: empty })
    expect(calls).toEqual([])
    const raw = text(20 * KIB)
    const stored = storePayload(raw, none())
    expect(stored).toEqual({ codecId: 0, bytes: raw })
    expect(stored).toHaveProperty('bytes', raw)
  })

  test.each([
    [16 * KIB - 1, 'decompressSync'],
    [16 * KIB, 'decompress']
  ])('of %i bytes is restored with %s', async (bytes, call) => {
    const calls = callsOf(text(bytes))
    const restored = await restorePayload(headerOf(CODEC_ID, bytes), Buffer.alloc(10))
    expect(restored.equals(text(bytes))).toBe(true)
    expect(calls).toEqual([call])
  })

  test('is restored on the calling thread up to the size that is asked for', () => {
    const calls = callsOf(text(20 * KIB))
    expect(restorePayload(headerOf(CODEC_ID, 20 * KIB), Buffer.alloc(10), 20 * KIB)).toEqual(text(20 * KIB))
    expect(calls).toEqual(['decompressSync'])
  })

  test.each([0, Infinity])('that is not compressed is a view of what was read (here up to %d)', hereBytes => {
    const stored = text(20 * KIB)
    expect(restorePayload(headerOf(0, stored.length), stored, hereBytes)).toBe(stored)
  })

  test.each([
    ['shorter', Buffer.alloc(99)],
    ['longer', Buffer.alloc(101)],
    ['no bytes', 'x'.repeat(100) as unknown as Uint8Array]
  ])('that unfolds to something %s is corrupt', async (_, result) => {
    callsOf(result)
    const corrupt = { code: 'LEVEL_CORRUPTION', message: expect.stringContaining('does not unfold to 100 bytes') }
    expect(() => restorePayload(headerOf(CODEC_ID, 100), Buffer.alloc(10))).toThrow(expect.objectContaining(corrupt))
    const large = { ...corrupt, message: expect.stringContaining(`does not unfold to ${20 * KIB} bytes`) }
    await expect(restorePayload(headerOf(CODEC_ID, 20 * KIB), Buffer.alloc(10))).rejects.toMatchObject(large)
  })

  test('comes as a Buffer, also from a codec that returns another view', () => {
    const bytes = new Uint8Array(text(200)).subarray(50, 150)
    callsOf(bytes)
    const restored = restorePayload(headerOf(CODEC_ID, 100), Buffer.alloc(10))
    expect(restored).toBeInstanceOf(Buffer)
    expect(restored).toEqual(Buffer.from(bytes))
  })
})

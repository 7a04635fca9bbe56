import { CODEC_ID } from '../codec/codec.js'
import { ZSTD_MAGIC } from '../codec/zstd/zstd-frame.js'
import { corruption, tooLarge } from '../errors.js'
import { KIND, PREFIX_BYTES } from './format.js'
import { type Guard, unguard } from './guard.js'
import { isPrefixLeftOut, type Probe, readTrailer, type Trailer } from './trailer.js'

/** A stored value, read and checked, not yet decompressed. */
export interface Opened {
  /** False for a plain value from before the backend was wrapped: then `payload` is all of it. */
  readonly enveloped: boolean
  readonly codecId: number
  /** The value itself if `codecId` is 0; else what the codec wrote, which {@link codecInput} makes complete. Shares memory with the stored value. */
  readonly payload: Buffer
  /** Bytes after decompression. At most the `maxValueSize` that was given; not compared with the payload yet. */
  readonly rawLength: number
  /** ms since 1970 */
  readonly expiresAt: number | undefined
  readonly probe: Probe | undefined
  /** Id of the dictionary that the codec needs to restore the value; undefined if it needs none. */
  readonly dictionary: number | undefined
  /** Whether the codec's own first bytes were left out of the payload. */
  readonly prefixLeftOut: boolean
}

/**
 * Opens a stored value.
 *
 * @param maxValueSize in bytes; a longer value is refused before anything is allocated
 * @throws LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED for what a later version wrote, CKV_VALUE_TOO_LARGE
 */
export function openEnvelope(stored: Buffer, guard: Guard, maxValueSize: number): Opened {
  const envelope = unguard(stored, guard)
  if (envelope === undefined) return raw(stored, undefined, false)
  const { trailer, payload } = readTrailer(envelope)
  const { kind } = trailer
  if (kind === KIND.rawUnchecked || kind === KIND.raw) {
    if (trailer.rawLengthWidth !== 0) throw corruption('a raw value with a length')
    if (trailer.dictionary !== undefined) throw corruption('a raw value with a dictionary')
    if (payload.length > maxValueSize) throw tooLarge(payload.length, maxValueSize)
    return raw(payload, trailer, true)
  }
  if (kind === KIND.other && trailer.codecId! <= CODEC_ID.zstd)
    throw corruption('a built-in codec under the kind of others')
  const { dictionary } = trailer
  if (dictionary !== undefined && trailer.rawLengthWidth !== 1 && trailer.rawLengthWidth !== 2)
    throw corruption('a value with a dictionary whose length has the wrong width')
  const rawLength = compressedRawLength(trailer, payload)
  if (rawLength > maxValueSize) throw tooLarge(rawLength, maxValueSize)
  return {
    enveloped: true,
    codecId: kind === KIND.other ? trailer.codecId! : kind === KIND.lz4 ? CODEC_ID.lz4 : CODEC_ID.zstd,
    payload,
    rawLength,
    expiresAt: trailer.expiresAt,
    probe: trailer.probe,
    dictionary,
    prefixLeftOut: dictionary === undefined && isPrefixLeftOut(kind, trailer.rawLengthWidth)
  }
}

function raw(payload: Buffer, trailer: Trailer | undefined, enveloped: boolean): Opened {
  return {
    enveloped,
    codecId: CODEC_ID.none,
    payload,
    rawLength: payload.length,
    expiresAt: trailer?.expiresAt,
    probe: trailer?.probe,
    dictionary: undefined,
    prefixLeftOut: false
  }
}

function compressedRawLength(trailer: Trailer, payload: Buffer): number {
  if (trailer.rawLengthWidth !== 0) return trailer.rawLength
  if (trailer.kind !== KIND.lz4 || payload.length < PREFIX_BYTES)
    throw corruption('a compressed value without its length')
  return payload.readUInt32LE(0)
}

/** All that the codec wrote, with the first bytes that the envelope left out; with a dictionary, the input of `DictionaryCodec.decompressSync`. */
export function codecInput(opened: Opened): Buffer {
  if (!opened.prefixLeftOut) return opened.payload
  return whole(opened, Buffer.allocUnsafe(PREFIX_BYTES + opened.payload.length))
}

/** Memory for a codec's input, until the next call. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024)

/** Like {@link codecInput}, but the result is valid only until the next call: nothing is allocated for a small value. */
export function codecInputNow(opened: Opened): Buffer {
  const bytes = PREFIX_BYTES + opened.payload.length
  return opened.prefixLeftOut && bytes <= scratch.length
    ? whole(opened, scratch.subarray(0, bytes))
    : codecInput(opened)
}

function whole({ codecId, rawLength, payload }: Opened, into: Buffer): Buffer {
  if (codecId === CODEC_ID.lz4) into.writeUInt32LE(rawLength, 0)
  else into.set(ZSTD_MAGIC, 0)
  into.set(payload, PREFIX_BYTES)
  return into
}

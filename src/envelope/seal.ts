import { CODEC_ID } from '../codec/codec.js'
import { CRC_BYTES, GUARD_BYTES, KIND, LZ4_WHOLE_FROM, PREFIX_BYTES, UNCHECKED_BELOW } from './format.js'
import { type Guard } from './guard.js'
import { type Probe, type Trailer, trailerLength, UNCHECKED, writeTrailer } from './trailer.js'

/** What an envelope carries beside its payload. */
export interface Sealing {
  readonly guard: Guard
  /** Whether short raw values may go without a checksum: only over a backend that stores its own. */
  readonly mayOmitChecksum: boolean
  /** ms since 1970, below 2^48 */
  readonly expiresAt?: number | undefined
  readonly probe?: Probe | undefined
}

/** Seals a value as it is. The result shares no memory with `raw`. */
export function sealRaw(raw: Uint8Array, sealing: Sealing): Buffer {
  const { expiresAt, probe } = sealing
  const unchecked =
    sealing.mayOmitChecksum && raw.length < UNCHECKED_BELOW && expiresAt === undefined && probe === undefined
  const trailer = unchecked ? UNCHECKED : { kind: KIND.raw, rawLengthWidth: 0 as const, rawLength: 0, expiresAt, probe }
  return assemble(raw, 0, trailer, sealing.guard)
}

/**
 * Seals what a codec made of a value.
 *
 * @param compressed the codec's own output, whole
 * @param rawLength length of the value before compression, bytes, below 2^32
 */
export function sealCompressed(codecId: number, compressed: Uint8Array, rawLength: number, sealing: Sealing): Buffer {
  const { trailer, leftOut } = compressedTrailer(codecId, compressed.length, rawLength, sealing)
  return assemble(compressed, leftOut, trailer, sealing.guard)
}

/** Length of the envelope that {@link sealCompressed} would make, guard not counted. */
export function compressedSize(codecId: number, compressedLength: number, rawLength: number, sealing: Sealing): number {
  const { trailer, leftOut } = compressedTrailer(codecId, compressedLength, rawLength, sealing)
  return compressedLength - leftOut + trailerLength(trailer)
}

function compressedTrailer(codecId: number, compressedLength: number, rawLength: number, sealing: Sealing) {
  const { expiresAt, probe } = sealing
  const width = rawLength < 0x100 ? 1 : rawLength < 0x10000 ? 2 : 4
  const trailer = { rawLength, expiresAt, probe }
  if (codecId === CODEC_ID.lz4) {
    const whole = width === 4 && compressedLength >= LZ4_WHOLE_FROM
    return {
      trailer: { ...trailer, kind: KIND.lz4, rawLengthWidth: whole ? 0 : width } satisfies Trailer,
      leftOut: whole ? 0 : PREFIX_BYTES
    }
  }
  if (codecId === CODEC_ID.zstd) {
    return {
      trailer: { ...trailer, kind: KIND.zstd, rawLengthWidth: width } satisfies Trailer,
      leftOut: width === 4 ? 0 : PREFIX_BYTES
    }
  }
  return { trailer: { ...trailer, kind: KIND.other, rawLengthWidth: width, codecId } satisfies Trailer, leftOut: 0 }
}

function assemble(source: Uint8Array, from: number, trailer: Trailer, guard: Guard): Buffer {
  const payloadLength = source.length - from
  const end = payloadLength + trailerLength(trailer)
  const guardBytes = guard.plainValues ? guard.bytes! : undefined
  const out = Buffer.allocUnsafe(end + (guardBytes === undefined ? 0 : GUARD_BYTES))
  out.set(from === 0 ? source : source.subarray(from), 0)
  writeTrailer(guardBytes === undefined ? out : out.subarray(0, end), payloadLength, trailer)
  if (guardBytes !== undefined) out.set(guardBytes, end)
  return out
}

/** The most an envelope of a raw value can add to it: checksum, tag and guard; an expiry and a probe come on top. */
export const MAX_PLAIN_OVERHEAD_BYTES = CRC_BYTES + 1 + GUARD_BYTES

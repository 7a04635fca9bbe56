import { crc32c, crc32cTable } from '../checksum/crc32c.js'
import { corruption, notSupported } from '../errors.js'
import {
  CODEC_BYTES,
  CRC_BYTES,
  DICTIONARY_BYTES,
  EXPIRES_BYTES,
  EXTRA_BYTES,
  EXTRA_PROBED,
  GUARD_LAST,
  KIND,
  KIND_MASK,
  PROBE_BYTES,
  RAW_LENGTH_WIDTHS,
  TAG_BYTES,
  TAG_DICTIONARY,
  TAG_EXPIRES,
  TAG_EXTRA,
  UNCHECKED_BELOW,
  WIDTH_MASK,
  WIDTH_SHIFT
} from './format.js'

/** The strongest attempt that was made to compress a value, whether its result was kept or not. */
export interface Probe {
  readonly codecId: number
  /** The codec's effort, 0 if it has none. */
  readonly effort: number
}

/**
 * The fields of a trailer, without its checksum. All are always present, and in this order: code that handles objects of only one shape is fast.
 */
export interface Trailer {
  readonly kind: number
  /** 0 if the trailer has no rawLen. */
  readonly rawLengthWidth: 0 | 1 | 2 | 4
  readonly rawLength: number
  readonly dictionary: number | undefined
  /** ms since 1970 */
  readonly expiresAt: number | undefined
  readonly probe: Probe | undefined
  /** Only stored with kind 7. */
  readonly codecId: number | undefined
}

function rawTrailer(kind: number): Trailer {
  return {
    kind,
    rawLengthWidth: 0,
    rawLength: 0,
    dictionary: undefined,
    expiresAt: undefined,
    probe: undefined,
    codecId: undefined
  }
}

/** The trailer of a raw value without a checksum. */
export const RAW_UNCHECKED = rawTrailer(KIND.rawUnchecked)
/** The trailer of a raw value with a checksum and nothing else. */
export const RAW_CHECKED = rawTrailer(KIND.raw)

/** Bytes after the payload. */
export function trailerLength(trailer: Trailer): number {
  if (trailer.kind === KIND.rawUnchecked) return TAG_BYTES
  return (
    CRC_BYTES +
    trailer.rawLengthWidth +
    (trailer.dictionary === undefined ? 0 : DICTIONARY_BYTES) +
    (trailer.expiresAt === undefined ? 0 : EXPIRES_BYTES) +
    (trailer.probe === undefined ? 0 : PROBE_BYTES + EXTRA_BYTES) +
    (trailer.kind === KIND.other ? CODEC_BYTES : 0) +
    TAG_BYTES
  )
}

/**
 * Writes the trailer, checksum included, after the payload that is already in `out`.
 *
 * @param out holds the payload and room for the trailer
 * @param payloadCrc the CRC of the payload; not used for kind 0
 */
export function writeTrailer(out: Buffer, payloadLength: number, trailer: Trailer, payloadCrc: number): void {
  const { kind, rawLengthWidth, dictionary, expiresAt, probe } = trailer
  if (kind === KIND.rawUnchecked) {
    out[payloadLength] = KIND.rawUnchecked
    return
  }
  const afterCrc = payloadLength + CRC_BYTES
  let at = afterCrc
  let tag = kind | (RAW_LENGTH_WIDTHS.indexOf(rawLengthWidth) << WIDTH_SHIFT)

  if (rawLengthWidth > 0) at = out.writeUIntLE(trailer.rawLength, at, rawLengthWidth)
  if (dictionary !== undefined) {
    tag |= TAG_DICTIONARY
    at = out.writeUInt16LE(dictionary, at)
  }
  if (expiresAt !== undefined) {
    tag |= TAG_EXPIRES
    at = out.writeUIntLE(expiresAt, at, EXPIRES_BYTES)
  }
  if (probe !== undefined) {
    tag |= TAG_EXTRA
    out[at++] = probe.codecId
    out[at++] = probe.effort
  }
  if (kind === KIND.other) out[at++] = trailer.codecId!
  if (probe !== undefined) out[at++] = EXTRA_PROBED
  out[at++] = tag
  out.writeUInt32LE(crc32cTable(out, payloadCrc, afterCrc, at), payloadLength)
}

/**
 * Reads the trailer at the end of `envelope` and checks the checksum.
 *
 * @param envelope without its guard
 * @returns the trailer and the payload before it, which shares memory with `envelope`
 * @throws LEVEL_CORRUPTION if the bytes are damaged; LEVEL_NOT_SUPPORTED if they are intact and from a later version
 */
export function readTrailer(envelope: Buffer): { trailer: Trailer; payload: Buffer } {
  const end = envelope.length
  if (end === 0) throw corruption('no bytes where an envelope should be')
  const tag = envelope[end - 1]!
  const kind = tag & KIND_MASK
  if (kind === KIND.rawUnchecked) return readUnchecked(tag, envelope.subarray(0, end - TAG_BYTES))
  if (tag === GUARD_LAST) throw corruption('it ends like a guarded value, but not with the guard of this store')
  // The common case: a checksum and nothing else.
  if (tag === KIND.raw) return { trailer: RAW_CHECKED, payload: checked(envelope, end - CRC_BYTES - TAG_BYTES) }

  const extra = tag & TAG_EXTRA ? envelope[end - 2] : 0
  const rawLengthWidth = RAW_LENGTH_WIDTHS[(tag >>> WIDTH_SHIFT) & WIDTH_MASK]!
  const length =
    CRC_BYTES +
    rawLengthWidth +
    (tag & TAG_DICTIONARY ? DICTIONARY_BYTES : 0) +
    (tag & TAG_EXPIRES ? EXPIRES_BYTES : 0) +
    (extra! & EXTRA_PROBED ? PROBE_BYTES : 0) +
    (kind === KIND.other ? CODEC_BYTES : 0) +
    (tag & TAG_EXTRA ? EXTRA_BYTES : 0) +
    TAG_BYTES
  const payloadLength = end - length
  const payload = checked(envelope, payloadLength)
  // The bytes are intact, so anything unknown in them is from a later version.
  if (kind > KIND.raw && kind !== KIND.other) throw ofLaterVersion(`kind ${kind}`)
  if (extra! & ~EXTRA_PROBED) throw ofLaterVersion(`extra bits ${extra}`)

  let at = payloadLength + CRC_BYTES
  let rawLength = 0
  // Not with readUIntLE(), which takes longer than all the rest.
  for (let i = 0; i < rawLengthWidth; i++) rawLength += envelope[at++]! * 2 ** (8 * i)
  let dictionary: number | undefined
  if (tag & TAG_DICTIONARY) {
    dictionary = envelope[at]! | (envelope[at + 1]! << 8)
    at += DICTIONARY_BYTES
  }
  let expiresAt: number | undefined
  if (tag & TAG_EXPIRES) {
    expiresAt = envelope.readUIntLE(at, EXPIRES_BYTES)
    at += EXPIRES_BYTES
  }
  let probe: Probe | undefined
  if (extra! & EXTRA_PROBED) {
    probe = { codecId: envelope[at]!, effort: envelope[at + 1]! }
    at += PROBE_BYTES
  }
  const codecId = kind === KIND.other ? envelope[at] : undefined
  return { trailer: { kind, rawLengthWidth, rawLength, dictionary, expiresAt, probe, codecId }, payload }
}

function ofLaterVersion(what: string): Error {
  return notSupported(`The envelope of this value has ${what}, which this version does not know: upgrade compressed-kv`)
}

/** A value of kind 0 has nothing but its tag: only the other bits of the tag, and the length, can be checked. */
function readUnchecked(tag: number, payload: Buffer): { trailer: Trailer; payload: Buffer } {
  if (tag !== KIND.rawUnchecked || payload.length >= UNCHECKED_BELOW) throw corruption('its tag makes no sense')
  return { trailer: RAW_UNCHECKED, payload }
}

/** The payload, if the checksum holds. */
function checked(envelope: Buffer, payloadLength: number): Buffer {
  if (payloadLength < 0) throw corruption('shorter than its trailer')
  const payload = envelope.subarray(0, payloadLength)
  // The CRC of all bytes except its own. For the few after it, a call into native code is not worth while.
  const crc = crc32cTable(envelope, crc32c(payload), payloadLength + CRC_BYTES)
  if (crc !== envelope.readUInt32LE(payloadLength)) throw corruption('its checksum does not match')
  return payload
}

/** Whether the codec's own first bytes are left out of the payload, because the kind or the length implies them. */
export function isPrefixLeftOut(kind: number, rawLengthWidth: number): boolean {
  return kind === KIND.lz4 ? rawLengthWidth !== 0 : kind === KIND.zstd && rawLengthWidth !== 4
}

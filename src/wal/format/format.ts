import { crc32c, crc32cTable } from '../../checksum/crc32c.js'

/*
 * The write-ahead log on disk, format version 1, little-endian. docs/format.md has the grammar and the reasons.
 *
 *     000001.wal = segment header, frame, frame, ..., seal frame
 *
 * What reader and writer share is here; each offset is the one before it plus its size.
 */

export const FORMAT_VERSION = 1

export const STORE_ID_BYTES = 16

/** Segment header: which store and log this segment belongs to, and how the segment before it must end. */
export const SEGMENT_MAGIC = Buffer.from('ckv-wal\0')
export const SEGMENT_VERSION_AT = SEGMENT_MAGIC.length // u16
export const SEGMENT_FEATURES_AT = SEGMENT_VERSION_AT + 2 // u16, bits that a reader must know
export const SEGMENT_RESERVED_AT = SEGMENT_FEATURES_AT + 2 // u32, 0
export const SEGMENT_STORE_ID_AT = SEGMENT_RESERVED_AT + 4
export const SEGMENT_ID_AT = SEGMENT_STORE_ID_AT + STORE_ID_BYTES // u64
export const SEGMENT_FIRST_SEQUENCE_AT = SEGMENT_ID_AT + 8 // u64
export const SEGMENT_CREATED_AT = SEGMENT_FIRST_SEQUENCE_AT + 8 // u64, ms since 1970
export const SEGMENT_PREVIOUS_LAST_SEQUENCE_AT = SEGMENT_CREATED_AT + 8 // u64
export const SEGMENT_PREVIOUS_LENGTH_AT = SEGMENT_PREVIOUS_LAST_SEQUENCE_AT + 8 // u64
export const SEGMENT_PREVIOUS_CRC_AT = SEGMENT_PREVIOUS_LENGTH_AT + 8 // u32, of its last frame's header
export const SEGMENT_CRC_AT = SEGMENT_PREVIOUS_CRC_AT + 4 // u32, of all before
export const SEGMENT_HEADER_BYTES = SEGMENT_CRC_AT + 4

/** Frame header; the stored bytes follow it. "ckvF": no run of zeros is a frame. */
export const FRAME_MAGIC = 0x46766b63
export const FRAME_HEADER_CRC_AT = 4 // u32, of the header from the next field on
export const FRAME_TYPE_AT = FRAME_HEADER_CRC_AT + 4 // u8
export const FRAME_CODEC_AT = FRAME_TYPE_AT + 1 // u8
export const FRAME_FLAGS_AT = FRAME_CODEC_AT + 1 // u8, 0
export const FRAME_RESERVED_AT = FRAME_FLAGS_AT + 1 // u8, 0
export const FRAME_STORED_LENGTH_AT = FRAME_RESERVED_AT + 1 // u32
export const FRAME_RAW_LENGTH_AT = FRAME_STORED_LENGTH_AT + 4 // u32
export const FRAME_COUNT_AT = FRAME_RAW_LENGTH_AT + 4 // u32, records
export const FRAME_FIRST_SEQUENCE_AT = FRAME_COUNT_AT + 4 // u64
export const FRAME_SYNCED_OFFSET_AT = FRAME_FIRST_SEQUENCE_AT + 8 // u64: up to here the file was on stable storage before
export const FRAME_PREVIOUS_CRC_AT = FRAME_SYNCED_OFFSET_AT + 8 // u32: of the frame, or segment header, before this one
export const FRAME_PAYLOAD_CRC_AT = FRAME_PREVIOUS_CRC_AT + 4 // u32, of the stored bytes
export const FRAME_HEADER_BYTES = FRAME_PAYLOAD_CRC_AT + 4

/** Do not change the values of existing entries. */
export const FRAME_TYPE = { data: 1, snapshotBegin: 2, snapshotData: 3, snapshotEnd: 4, seal: 5 } as const
export type FrameType = (typeof FRAME_TYPE)[keyof typeof FRAME_TYPE]

/** Payload of snapshotBegin: the last sequence number that the snapshot contains. */
export const SNAPSHOT_BEGIN_BYTES = 8
/** Payload of snapshotEnd: how many records the snapshot has. */
export const SNAPSHOT_END_BYTES = 8
/** Payload of a seal: how many records the segment has, and the log's last sequence number. */
export const SEAL_BYTES = 16

/** The most raw bytes of a frame, which is what an LZ4 block can hold. A batch lies in one frame, so it cannot be larger either. */
export const MAX_FRAME_BYTES = 0x7e000000

/** Kinds of records. Do not change the values of existing entries. */
export const RECORD_KIND = { put: 1, delete: 2, clear: 3 } as const

export const RECORD_SEALED = 1 // the value is an envelope
export const RECORD_EXPIRES = 2
export const RECORD_MORE = 4 // the next record belongs to the same batch
export const RECORD_FLAGS_KNOWN = RECORD_SEALED | RECORD_EXPIRES | RECORD_MORE
/** The size of expiresAt, a u48. */
export const RECORD_EXPIRES_BYTES = 6
/** The shortest record: kind, flags, and two varints of a byte each. */
export const MIN_RECORD_BYTES = 4

/** The CRC-32C of store id and segment id, which the CRCs of the segment's frames start from. */
export function segmentSeed(storeId: Uint8Array, segmentId: number): number {
  return seedWith(crc32cTable(storeId), segmentId)
}

/** What both CRCs of a frame start from, so that a frame from another store, segment or place never validates. */
export function frameSeed(seed: number, offset: number): number {
  return seedWith(seed, offset)
}

export function frameHeaderCrc(header: Buffer, seed: number): number {
  return crc32cTable(header, seed, FRAME_TYPE_AT, FRAME_HEADER_BYTES)
}

export function payloadCrc(stored: Uint8Array, seed: number): number {
  return crc32c(stored, seed)
}

const eight = Buffer.alloc(8)

function seedWith(crc: number, number: number): number {
  writeU64(eight, number, 0)
  return crc32cTable(eight, crc)
}

/** Writes a whole number up to 2^53 - 1; faster than with a bigint. */
export function writeU64(into: Buffer, number: number, at: number): void {
  into.writeUInt32LE(number % 2 ** 32, at)
  into.writeUInt32LE(Math.floor(number / 2 ** 32), at + 4)
}

/** Reads a whole number. One above 2^53 - 1, which is never written, becomes NaN, so that every comparison with it is false. */
export function readU64(from: Buffer, at: number): number {
  const number = from.readUInt32LE(at + 4) * 2 ** 32 + from.readUInt32LE(at)
  return Number.isSafeInteger(number) ? number : Number.NaN
}

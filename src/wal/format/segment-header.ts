import { crc32c } from '../../checksum/crc32c.js'
import { notSupported } from '../../errors.js'
import {
  FORMAT_VERSION,
  readU64,
  SEGMENT_CRC_AT,
  SEGMENT_CREATED_AT,
  SEGMENT_FEATURES_AT,
  SEGMENT_FIRST_SEQUENCE_AT,
  SEGMENT_HEADER_BYTES,
  SEGMENT_ID_AT,
  SEGMENT_MAGIC,
  SEGMENT_PREVIOUS_CRC_AT,
  SEGMENT_PREVIOUS_LAST_SEQUENCE_AT,
  SEGMENT_PREVIOUS_LENGTH_AT,
  SEGMENT_RESERVED_AT,
  SEGMENT_STORE_ID_AT,
  SEGMENT_VERSION_AT,
  STORE_ID_BYTES,
  writeU64
} from './format.js'

export interface SegmentHeader {
  readonly storeId: Buffer
  readonly id: number
  /** Number of the first record that this segment may hold; above the last of {@link previous}. */
  readonly firstSequence: number
  /** ms since 1970; not earlier than that of the segment before. */
  readonly createdAt: number
  readonly previous: SegmentEnd
  /** CRC of this header, which the first frame repeats as that of the frame before it. */
  readonly crc: number
}

/** What the header of a segment says of the segment before it. All are 0 in the first segment of a log. */
export interface SegmentEnd {
  readonly lastSequence: number
  readonly length: number
  /** CRC of the header of its last frame, the seal. */
  readonly crc: number
}

/** The end of a log, from which a writer goes on. */
export interface LogTail {
  /** Id of the last segment, 0 if there never was one. */
  readonly segment: number
  readonly end: SegmentEnd
  /** When the last segment was created, ms since 1970; 0 if there never was one. */
  readonly createdAt: number
  /** Number of the next record, at least `end.lastSequence + 1`. */
  readonly nextSequence: number
  /** Whether the seal of the last segment is known to be on stable storage. */
  readonly synced: boolean
}

export const NO_SEGMENT_BEFORE: SegmentEnd = { lastSequence: 0, length: 0, crc: 0 }

export function encodeSegmentHeader(header: Omit<SegmentHeader, 'crc'>): Buffer {
  const out = Buffer.alloc(SEGMENT_HEADER_BYTES)
  out.set(SEGMENT_MAGIC, 0)
  out.writeUInt16LE(FORMAT_VERSION, SEGMENT_VERSION_AT)
  out.set(header.storeId, SEGMENT_STORE_ID_AT)
  writeU64(out, header.id, SEGMENT_ID_AT)
  writeU64(out, header.firstSequence, SEGMENT_FIRST_SEQUENCE_AT)
  writeU64(out, header.createdAt, SEGMENT_CREATED_AT)
  writeU64(out, header.previous.lastSequence, SEGMENT_PREVIOUS_LAST_SEQUENCE_AT)
  writeU64(out, header.previous.length, SEGMENT_PREVIOUS_LENGTH_AT)
  out.writeUInt32LE(header.previous.crc, SEGMENT_PREVIOUS_CRC_AT)
  out.writeUInt32LE(crc32c(out.subarray(0, SEGMENT_CRC_AT)), SEGMENT_CRC_AT)
  return out
}

/**
 * @returns undefined if this is no intact header of this segment
 * @throws LEVEL_NOT_SUPPORTED for an intact header of a later version
 */
export function decodeSegmentHeader(bytes: Buffer, id: number): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined
  if (!bytes.subarray(0, SEGMENT_MAGIC.length).equals(SEGMENT_MAGIC)) return undefined
  const crc = bytes.readUInt32LE(SEGMENT_CRC_AT)
  if (crc !== crc32c(bytes.subarray(0, SEGMENT_CRC_AT))) return undefined

  const version = bytes.readUInt16LE(SEGMENT_VERSION_AT)
  const features = bytes.readUInt16LE(SEGMENT_FEATURES_AT)
  if (version !== FORMAT_VERSION || features !== 0 || bytes.readUInt32LE(SEGMENT_RESERVED_AT) !== 0) {
    throw notSupported(`This log has format ${version}, features ${features}: upgrade compressed-kv`)
  }
  const header: SegmentHeader = {
    storeId: Buffer.from(bytes.subarray(SEGMENT_STORE_ID_AT, SEGMENT_STORE_ID_AT + STORE_ID_BYTES)),
    id: readU64(bytes, SEGMENT_ID_AT),
    firstSequence: readU64(bytes, SEGMENT_FIRST_SEQUENCE_AT),
    createdAt: readU64(bytes, SEGMENT_CREATED_AT),
    previous: {
      lastSequence: readU64(bytes, SEGMENT_PREVIOUS_LAST_SEQUENCE_AT),
      length: readU64(bytes, SEGMENT_PREVIOUS_LENGTH_AT),
      crc: bytes.readUInt32LE(SEGMENT_PREVIOUS_CRC_AT)
    },
    crc
  }
  const { firstSequence, createdAt, previous } = header
  // Also false for a number above 2^53 - 1.
  const sound = header.id === id && firstSequence > previous.lastSequence && createdAt >= 0 && previous.length >= 0
  return sound ? header : undefined
}

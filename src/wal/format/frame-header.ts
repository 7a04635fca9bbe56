import { CODEC_ID } from '../../codec/codec.js'
import {
  FRAME_CODEC_AT,
  FRAME_COUNT_AT,
  FRAME_FIRST_SEQUENCE_AT,
  FRAME_FLAGS_AT,
  FRAME_HEADER_BYTES,
  FRAME_HEADER_CRC_AT,
  FRAME_MAGIC,
  FRAME_PAYLOAD_CRC_AT,
  FRAME_PREVIOUS_CRC_AT,
  FRAME_RAW_LENGTH_AT,
  FRAME_RESERVED_AT,
  FRAME_STORED_LENGTH_AT,
  FRAME_SYNCED_OFFSET_AT,
  FRAME_TYPE,
  FRAME_TYPE_AT,
  frameHeaderCrc,
  type FrameType,
  MAX_FRAME_BYTES,
  MIN_RECORD_BYTES,
  readU64,
  SEAL_BYTES,
  SNAPSHOT_BEGIN_BYTES,
  SNAPSHOT_END_BYTES,
  writeU64
} from './format.js'

export interface FrameHeader {
  readonly type: FrameType
  readonly codecId: number
  /** Bytes that follow the header. */
  readonly storedLength: number
  readonly rawLength: number
  /** Number of records. */
  readonly count: number
  /** Number of the first record; in a frame whose records have no numbers, of the next record in the log. */
  readonly firstSequence: number
  readonly syncedOffset: number
  readonly previousCrc: number
  readonly payloadCrc: number
  readonly crc: number
}

/**
 * @param seed see `frameSeed`
 * @returns the CRC of the header, which the next frame repeats
 */
export function encodeFrameHeader(into: Buffer, header: Omit<FrameHeader, 'crc'>, seed: number): number {
  into.writeUInt32LE(FRAME_MAGIC, 0)
  into[FRAME_TYPE_AT] = header.type
  into[FRAME_CODEC_AT] = header.codecId
  into[FRAME_FLAGS_AT] = 0
  into[FRAME_RESERVED_AT] = 0
  into.writeUInt32LE(header.storedLength, FRAME_STORED_LENGTH_AT)
  into.writeUInt32LE(header.rawLength, FRAME_RAW_LENGTH_AT)
  into.writeUInt32LE(header.count, FRAME_COUNT_AT)
  writeU64(into, header.firstSequence, FRAME_FIRST_SEQUENCE_AT)
  writeU64(into, header.syncedOffset, FRAME_SYNCED_OFFSET_AT)
  into.writeUInt32LE(header.previousCrc, FRAME_PREVIOUS_CRC_AT)
  into.writeUInt32LE(header.payloadCrc, FRAME_PAYLOAD_CRC_AT)
  const crc = frameHeaderCrc(into, seed)
  into.writeUInt32LE(crc, FRAME_HEADER_CRC_AT)
  return crc
}

/** @returns undefined if this is no intact header of a frame at the place for which `seed` was made */
export function decodeFrameHeader(bytes: Buffer, seed: number): FrameHeader | undefined {
  if (bytes.length < FRAME_HEADER_BYTES || bytes.readUInt32LE(0) !== FRAME_MAGIC) return undefined
  const crc = bytes.readUInt32LE(FRAME_HEADER_CRC_AT)
  if (crc !== frameHeaderCrc(bytes, seed)) return undefined
  return {
    type: bytes[FRAME_TYPE_AT] as FrameType,
    codecId: bytes[FRAME_CODEC_AT]!,
    storedLength: bytes.readUInt32LE(FRAME_STORED_LENGTH_AT),
    rawLength: bytes.readUInt32LE(FRAME_RAW_LENGTH_AT),
    count: bytes.readUInt32LE(FRAME_COUNT_AT),
    firstSequence: readU64(bytes, FRAME_FIRST_SEQUENCE_AT),
    syncedOffset: readU64(bytes, FRAME_SYNCED_OFFSET_AT),
    previousCrc: bytes.readUInt32LE(FRAME_PREVIOUS_CRC_AT),
    payloadCrc: bytes.readUInt32LE(FRAME_PAYLOAD_CRC_AT),
    crc
  }
}

/** Whether flags or reserved bits are set that this version does not know. */
export function unknownFrameBits(bytes: Buffer): boolean {
  return bytes[FRAME_FLAGS_AT] !== 0 || bytes[FRAME_RESERVED_AT] !== 0
}

/** Payload lengths of the frames that have a fixed one. */
const MARK_BYTES = {
  [FRAME_TYPE.snapshotBegin]: SNAPSHOT_BEGIN_BYTES,
  [FRAME_TYPE.snapshotEnd]: SNAPSHOT_END_BYTES,
  [FRAME_TYPE.seal]: SEAL_BYTES
}

/** Whether what the header claims can be true; checked before memory is taken for it. */
export function isPlausible({ type, codecId, storedLength, rawLength, count }: FrameHeader): boolean {
  if (rawLength > MAX_FRAME_BYTES || (codecId === CODEC_ID.none && storedLength !== rawLength)) return false
  if (type === FRAME_TYPE.data || type === FRAME_TYPE.snapshotData) {
    return count > 0 && count * MIN_RECORD_BYTES <= rawLength
  }
  return codecId === CODEC_ID.none && count === 0 && rawLength === MARK_BYTES[type]
}

import {
  FRAME_FLAGS_AT,
  FRAME_HEADER_BYTES,
  FRAME_HEADER_CRC_AT,
  FRAME_RESERVED_AT,
  FRAME_TYPE,
  frameHeaderCrc,
  frameSeed,
  type FrameType,
  payloadCrc,
  RECORD_KIND,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentSeed,
  writeU64
} from '../../../src/wal/format/format.js'
import { encodeFrameHeader } from '../../../src/wal/format/frame-header.js'
import { encodeSegmentHeader, NO_SEGMENT_BEFORE } from '../../../src/wal/format/segment-header.js'
import { writeVarint } from '../../../src/wal/format/varint.js'

const STORE_ID = Buffer.alloc(16, 0x5e)

/** A frame whose checksums will hold, whatever it says. What is left out is as it should be. */
export interface ForgedFrame {
  readonly type?: number
  readonly codecId?: number
  readonly stored: Buffer
  readonly storedLength?: number
  readonly rawLength?: number
  readonly count?: number
  /** Records that the next frame counts this one as having. */
  readonly takes?: number
  readonly firstSequence?: number
  readonly syncedOffset?: number
  readonly previousCrc?: number
  readonly flags?: number
  readonly reserved?: number
}

/** A segment of these frames, each of which fits the one before it. */
export function forgedSegment(frames: readonly ForgedFrame[]): Buffer {
  const header = encodeSegmentHeader({
    storeId: STORE_ID,
    id: 1,
    firstSequence: 1,
    createdAt: 0,
    previous: NO_SEGMENT_BEFORE
  })
  const parts: Buffer[] = [header]
  const next = { offset: SEGMENT_HEADER_BYTES, sequence: 1, crc: header.readUInt32LE(SEGMENT_HEADER_BYTES - 4) }
  for (const frame of frames) {
    const bytes = encoded(frame, next)
    next.crc = bytes.readUInt32LE(FRAME_HEADER_CRC_AT)
    next.offset += bytes.length
    next.sequence += frame.takes ?? frame.count ?? 1
    parts.push(bytes)
  }
  return Buffer.concat(parts)
}

function encoded(frame: ForgedFrame, next: { offset: number; sequence: number; crc: number }): Buffer {
  const { stored } = frame
  const bytes = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES), stored])
  const seed = frameSeed(segmentSeed(STORE_ID, 1), next.offset)
  const header = {
    type: (frame.type ?? FRAME_TYPE.data) as FrameType,
    codecId: frame.codecId ?? 0,
    storedLength: frame.storedLength ?? stored.length,
    rawLength: frame.rawLength ?? stored.length,
    count: frame.count ?? 1,
    firstSequence: frame.firstSequence ?? next.sequence,
    syncedOffset: frame.syncedOffset ?? SEGMENT_HEADER_BYTES,
    previousCrc: frame.previousCrc ?? next.crc,
    payloadCrc: payloadCrc(stored, seed)
  }
  encodeFrameHeader(bytes, header, seed)
  bytes[FRAME_FLAGS_AT] = frame.flags ?? 0
  bytes[FRAME_RESERVED_AT] = frame.reserved ?? 0
  bytes.writeUInt32LE(frameHeaderCrc(bytes, seed), FRAME_HEADER_CRC_AT)
  return bytes
}

/** The raw form of a put, as it should be. */
export function putBytes(key: string, value: string | Buffer, flags = 0): Buffer {
  return recordOf(RECORD_KIND.put, flags, key.length, Buffer.from(value).length, [Buffer.from(key), Buffer.from(value)])
}

/** A frame with nothing wrong in it, of one put. */
export function good(number: number): ForgedFrame {
  return { stored: putBytes(`k${number}`, `v${number}`) }
}

/** A record that says what it is told to say. */
export function recordOf(
  kind: number,
  flags: number,
  keyLength: number,
  valueLength: number,
  rest: readonly Uint8Array[]
): Buffer {
  const head = Buffer.alloc(12)
  head[0] = kind
  head[1] = flags
  const end = writeVarint(head, writeVarint(head, 2, keyLength), valueLength)
  return Buffer.concat([head.subarray(0, end), ...rest])
}

export function sealOf(records: number, lastSequence: number): ForgedFrame {
  const stored = Buffer.alloc(SEAL_BYTES)
  writeU64(stored, records, 0)
  writeU64(stored, lastSequence, 8)
  return { type: FRAME_TYPE.seal, stored, count: 0 }
}

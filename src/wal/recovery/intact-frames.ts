import { type CompressedKvError, corruption } from '../../errors.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, readU64, SEGMENT_HEADER_BYTES } from '../format/format.js'
import { checkRecords } from '../format/record-cursor.js'
import type { SegmentHeader } from '../format/segment-header.js'
import type { RestoredFrame } from '../reading/frame-reader.js'
import type { ScanStart } from '../reading/frame-scanner.js'
import { FrameIndex } from '../segments/frame-index.js'
import type { SnapshotMark } from '../segments/recovered-segment.js'
import { decodeSeal } from '../segments/seal.js'

/** The frames of a segment from its beginning up to the first that is not intact, and what they hold. */
export class IntactFrames {
  readonly index: FrameIndex
  /** Snapshots that begin here, and the ends of snapshots, in order. */
  readonly snapshots: SnapshotMark[] = []
  records = 0
  sealed = false
  /** Where they end, an offset in the file. */
  end = SEGMENT_HEADER_BYTES
  /** CRC of the header of the last of them; of the segment's header if there is none. */
  lastCrc: number

  constructor({ firstSequence, crc }: SegmentHeader) {
    this.index = new FrameIndex(firstSequence)
    this.lastCrc = crc
  }

  /** Where the next frame must be, and what it must follow. */
  get next(): ScanStart {
    return { offset: this.end, previousCrc: this.lastCrc, sequence: this.index.lastSequence + 1 }
  }

  /**
   * Checks what the next frame contains.
   *
   * @throws LEVEL_CORRUPTION
   */
  check({ frame, payload }: RestoredFrame): void {
    checkPayload({ frame, payload })
    if (frame.header.type !== FRAME_TYPE.seal) return
    const { records, lastSequence } = decodeSeal(payload)
    if (records !== this.records || lastSequence !== this.index.lastSequence)
      throw corruption('its seal does not count its records')
  }

  add({ frame: { header, offset }, payload }: RestoredFrame): void {
    const { type, firstSequence, count, storedLength } = header
    if (type === FRAME_TYPE.data) {
      this.index.add(offset, firstSequence, count)
      this.records += count
    } else if (type === FRAME_TYPE.snapshotBegin) {
      this.snapshots.push({ type: 'begin', sequence: readU64(payload, 0), offset })
    } else if (type === FRAME_TYPE.snapshotEnd) {
      this.snapshots.push({ type: 'end', offset })
    } else if (type === FRAME_TYPE.seal) this.sealed = true
    this.end = offset + FRAME_HEADER_BYTES + storedLength
    this.lastCrc = header.crc
  }
}

/**
 * Checks what a frame contains, as far as that can be done with the frame alone.
 *
 * @throws LEVEL_CORRUPTION
 */
export function checkPayload({ frame, payload }: RestoredFrame): void {
  const { type, count } = frame.header
  if (type === FRAME_TYPE.data || type === FRAME_TYPE.snapshotData) checkRecords(payload, count)
  const isMark = type === FRAME_TYPE.snapshotBegin || type === FRAME_TYPE.snapshotEnd
  if (isMark && Number.isNaN(readU64(payload, 0))) throw impossibleNumber()
}

export function impossibleNumber(): CompressedKvError {
  return corruption('a number that cannot be')
}

import { type Codec, CODEC_ID } from '../../codec/codec.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, SNAPSHOT_BEGIN_BYTES, SNAPSHOT_END_BYTES, writeU64 } from '../format/format.js'
import { storePayload } from '../format/frame-payload.js'
import type { LogRecord } from '../format/record.js'
import type { RecoveredSegment } from '../segments/recovered-segment.js'
import type { WritableFrame } from './frame-writer.js'
import { OpenFrame, recordBytes } from './open-frame.js'

/** Where a snapshot begins in the log, and what it contains. */
export interface SnapshotPlace {
  readonly segment: number
  readonly offset: number
  /** It contains the effect of every record up to this number. */
  readonly sequence: number
  /** About how many bytes it takes in the log. */
  readonly bytes: number
}

/** The newest complete snapshot. */
export function findSnapshot(segments: readonly RecoveredSegment[]): SnapshotPlace | undefined {
  let begun: Omit<SnapshotPlace, 'bytes'> | undefined
  let complete: SnapshotPlace | undefined
  let bytesBefore = 0
  let begunAt = 0
  for (const { id, snapshots, runs } of segments) {
    for (const mark of snapshots) {
      if (mark.type === 'begin') {
        begun = { segment: id, offset: mark.offset, sequence: mark.sequence }
        begunAt = bytesBefore + mark.offset
      } else if (begun !== undefined) {
        complete = { ...begun, bytes: bytesBefore + mark.offset - begunAt }
        begun = undefined
      }
    }
    bytesBefore += runs.at(-1)!.to
  }
  return complete
}

/** Writes a frame into the log. Returns the id of the segment that the frame is in. */
export type WriteFrame = (
  frame: WritableFrame,
  options: { readonly newSegment: boolean; readonly sync: boolean }
) => Promise<number>

/**
 * Writes a snapshot of everything that is live into the log: a frame that names the last record whose effect the snapshot contains, frames of
 * records, and a frame that ends it. Appends go on meanwhile, so their frames may lie between those of the snapshot.
 */
export class SnapshotWriter {
  readonly #blockBytes: number
  readonly #codec: Codec
  readonly #write: WriteFrame
  #frame: OpenFrame
  #records = 0
  #bytes = 0

  constructor(blockBytes: number, codec: Codec, write: WriteFrame) {
    this.#blockBytes = blockBytes
    this.#codec = codec
    this.#write = write
    this.#frame = new OpenFrame(Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + blockBytes))
  }

  /**
   * @param sequence the last record whose effect the snapshot contains
   * @returns the segment in which it begins: once the snapshot is complete, segments before that one are not needed for what it contains
   */
  async begin(sequence: number): Promise<{ segment: number }> {
    const payload = Buffer.alloc(SNAPSHOT_BEGIN_BYTES)
    writeU64(payload, sequence, 0)
    return {
      segment: await this.#write(markFrame(FRAME_TYPE.snapshotBegin, payload), { newSegment: true, sync: false })
    }
  }

  async add(record: LogRecord): Promise<void> {
    const size = recordBytes(record)
    if (!this.#frame.fits(size)) {
      await this.#flush()
      this.#frame = new OpenFrame(Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + Math.max(size, this.#blockBytes)))
    }
    this.#frame.add(record, false)
    this.#records++
  }

  /** When this resolves, the snapshot is complete and on stable storage. Returns how many bytes it took. */
  async end(): Promise<number> {
    await this.#flush()
    const payload = Buffer.alloc(SNAPSHOT_END_BYTES)
    writeU64(payload, this.#records, 0)
    await this.#write(markFrame(FRAME_TYPE.snapshotEnd, payload), { newSegment: false, sync: true })
    return this.#bytes
  }

  async #flush(): Promise<void> {
    const { raw, count } = this.#frame
    if (count === 0) return
    const stored = await storePayload(raw, this.#codec)
    this.#bytes += stored.bytes.length
    const frame = {
      type: FRAME_TYPE.snapshotData,
      codecId: stored.codecId,
      stored: stored.bytes,
      rawLength: raw.length,
      count
    }
    await this.#write(frame, { newSegment: false, sync: false })
  }
}

function markFrame(type: WritableFrame['type'], payload: Buffer): WritableFrame {
  return { type, codecId: CODEC_ID.none, stored: payload, rawLength: payload.length, count: 0 }
}

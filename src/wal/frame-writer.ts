import type { File } from '../fs/file-system.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, frameSeed, type FrameType, payloadCrc } from './format.js'
import { encodeFrameHeader } from './frame-header.js'
import { SYNC_WRITE_BYTES, writeAll } from './write-all.js'

/** Small frames, and compressed ones, are gathered up to this many bytes and then written at once. */
const GATHERED_BYTES = SYNC_WRITE_BYTES
/** Frames from so many bytes on are written from where they lie, if they can: a copy would take longer than one more write. */
const IN_PLACE_BYTES = 16 * 1024

/** A frame ready to be written. */
export interface WritableFrame {
  readonly type: FrameType
  readonly codecId: number
  readonly stored: Uint8Array
  /** Memory that `stored` is the end of, with room for the header before it; undefined where there is none. */
  readonly whole?: Buffer | undefined
  readonly rawLength: number
  /** Records. Those of a data frame take sequence numbers. */
  readonly count: number
}

/** Where it went. */
export interface WrittenFrame {
  readonly segment: number
  readonly offset: number
  readonly firstSequence: number
}

/** Where frames are written to; goes on with each of them. */
export interface WritePlace {
  readonly file: File
  /** Id of the segment, and what its checksums start from. */
  readonly id: number
  readonly seed: number
  readonly syncedOffset: number
  offset: number
  lastCrc: number
  /** Records of the segment. */
  records: number
  /** Number of the next record. */
  sequence: number
}

/** Writes frames behind one another with as few calls and copies as can be. */
export class FrameWriter {
  readonly #gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES)
  #length = 0

  /** @returns where the frames are; if it throws, some of their bytes may have been written */
  async write(frames: readonly WritableFrame[], place: WritePlace): Promise<WrittenFrame[]> {
    const written: WrittenFrame[] = []
    this.#length = 0
    for (const frame of frames) {
      const { id, offset, sequence } = place
      await this.#write(frame, place)
      written.push({ segment: id, offset, firstSequence: sequence })
      place.offset += FRAME_HEADER_BYTES + frame.stored.length
      if (frame.type !== FRAME_TYPE.data) continue
      place.sequence += frame.count
      place.records += frame.count
    }
    await this.#flush(place.file, place.offset)
    return written
  }

  async #write(frame: WritableFrame, place: WritePlace): Promise<void> {
    const { file, offset } = place
    const { stored, whole } = frame
    const length = FRAME_HEADER_BYTES + stored.length
    if (whole !== undefined && length >= IN_PLACE_BYTES) {
      await this.#flush(file, offset)
      place.lastCrc = encodeHeader(whole, frame, place)
      return writeAll(file, whole, offset)
    }
    if (this.#length + length > GATHERED_BYTES) await this.#flush(file, offset)
    const header = this.#gathered.subarray(this.#length, (this.#length += FRAME_HEADER_BYTES))
    place.lastCrc = encodeHeader(header, frame, place)
    if (this.#length + stored.length <= GATHERED_BYTES) {
      this.#gathered.set(stored, this.#length)
      this.#length += stored.length
      return
    }
    await this.#flush(file, offset + FRAME_HEADER_BYTES)
    await writeAll(file, stored, offset + FRAME_HEADER_BYTES)
  }

  /** @param end where in the file the gathered bytes end */
  async #flush(file: File, end: number): Promise<void> {
    const bytes = this.#gathered.subarray(0, this.#length)
    this.#length = 0
    await writeAll(file, bytes, end - bytes.length)
  }
}

/** @returns the CRC of the header */
function encodeHeader(into: Buffer, frame: WritableFrame, place: WritePlace): number {
  const { stored } = frame
  const seed = frameSeed(place.seed, place.offset)
  return encodeFrameHeader(
    into,
    {
      type: frame.type,
      codecId: frame.codecId,
      storedLength: stored.length,
      rawLength: frame.rawLength,
      count: frame.count,
      firstSequence: place.sequence,
      syncedOffset: place.syncedOffset,
      previousCrc: place.lastCrc,
      payloadCrc: payloadCrc(stored, seed)
    },
    seed
  )
}

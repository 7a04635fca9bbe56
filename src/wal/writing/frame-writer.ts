import type { File } from '../../fs/file-system.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, frameSeed, type FrameType, payloadCrc } from '../format/format.js'
import { encodeFrameHeader } from '../format/frame-header.js'
import type { WrittenFrame } from '../segments/segments.js'
import { writeAll } from '../segments/write-all.js'

/** Frames and runs of frames of at least this many bytes are written from where they lie: a copy would take longer than one more write. */
const IN_PLACE_BYTES = 128 * 1024
/** Shorter ones are gathered, up to this many bytes, and written with one call: a page cache takes large writes much faster. */
const GATHERED_BYTES = 512 * 1024

/** A frame ready to be written. */
export interface WritableFrame {
  readonly type: FrameType
  readonly codecId: number
  readonly stored: Uint8Array
  /** Memory with space for the header and, right after it, `stored`; undefined if `stored` has no space before it. */
  readonly whole?: Buffer | undefined
  readonly rawLength: number
  /** Number of records. Those of a data frame take sequence numbers. */
  readonly count: number
}

/** Where the next frame is written; moves on with each. */
export interface WritePlace {
  readonly file: File
  /** Id of the segment, and what its checksums start from. */
  readonly id: number
  readonly seed: number
  readonly syncedOffset: number
  offset: number
  lastCrc: number
  /** Number of records in the segment. */
  records: number
  /** Number of the next record. */
  sequence: number
}

/** Writes frames one after another with as few calls and copies as possible. */
export class FrameWriter {
  /** Memory in which several pieces are gathered, to be written with one call. */
  #gathered: Buffer | undefined

  /** @returns where the frames are; if it throws, some of their bytes may have been written */
  async write(frames: readonly WritableFrame[], place: WritePlace): Promise<WrittenFrame[]> {
    const written: WrittenFrame[] = []
    const pieces: Uint8Array[] = []
    const start = place.offset
    for (const frame of frames) {
      const { id, offset, sequence } = place
      const { whole, stored } = frame
      const header = whole ?? Buffer.allocUnsafe(FRAME_HEADER_BYTES)
      place.lastCrc = encodeHeader(header, frame, place)
      if (whole === undefined) pieces.push(header, stored)
      else if (!extendLast(pieces, whole)) pieces.push(whole)
      written.push({ segment: id, offset, firstSequence: sequence })
      place.offset += FRAME_HEADER_BYTES + stored.length
      if (frame.type !== FRAME_TYPE.data) continue
      place.sequence += frame.count
      place.records += frame.count
    }
    await this.#write(place.file, pieces, start)
    return written
  }

  async #write(file: File, pieces: readonly Uint8Array[], start: number): Promise<void> {
    let at = start
    let length = 0
    const flush = async () => {
      if (length === 0) return
      await writeAll(file, this.#gathered!.subarray(0, length), at)
      at += length
      length = 0
    }
    for (const piece of pieces) {
      const inPlace = piece.length >= IN_PLACE_BYTES || pieces.length === 1
      if (inPlace || length + piece.length > GATHERED_BYTES) await flush()
      if (inPlace) {
        await writeAll(file, piece, at)
        at += piece.length
      } else {
        this.#gathered ??= Buffer.allocUnsafeSlow(GATHERED_BYTES)
        this.#gathered.set(piece, length)
        length += piece.length
      }
    }
    await flush()
  }
}

/** Makes `next` a part of the last piece if it follows that in memory. @returns whether it did */
function extendLast(pieces: Uint8Array[], next: Uint8Array): boolean {
  const last = pieces.at(-1)
  if (last === undefined || last.buffer !== next.buffer) return false
  if (last.byteOffset + last.length !== next.byteOffset) return false
  pieces[pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + next.length)
  return true
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

import { LRUCache } from 'lru-cache'
import { outOfRange } from '../../errors.js'
import type { File } from '../../fs/file-system.js'
import { isPromise } from '../../is-promise.js'
import { DecodedFrame, type Unseal } from '../format/decoded-frame.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, frameSeed, payloadCrc } from '../format/format.js'
import { decodeFrameHeader, type FrameHeader, isPlausible } from '../format/frame-header.js'
import { restorePayload } from '../format/frame-payload.js'
import { damagedFrame, noSuchFrame, noSuchIndex, type Position } from '../format/position.js'
import type { WalRecord } from '../format/record.js'
import type { FrameIndex } from '../segments/frame-index.js'
import { readPiece } from '../segments/read-fully.js'
import type { Run } from '../segments/recovered-segment.js'
import { noSuchSegment, type Segment, type Segments } from '../segments/segments.js'
import { READ_BYTES, rebuildIndex } from './rebuild-index.js'

/** The most raw bytes of decoded frames that are cached. */
const CACHE_BYTES = 4 * 1024 * 1024

/** Reads single records. Usually that takes one read of the file and the decoding of one frame, and neither if the frame is cached. */
export class PointReader {
  readonly #segments: Segments
  readonly #unseal: Unseal
  readonly #isHidden: ((key: Uint8Array) => boolean) | undefined
  readonly #frames: LRUCache<number, DecodedFrame>
  /** The frame of the last record that was asked for by number. */
  #recent: { readonly segment: number; readonly frame: DecodedFrame } | undefined

  constructor(segments: Segments, unseal: Unseal, isHidden: ((key: Uint8Array) => boolean) | undefined) {
    this.#segments = segments
    this.#unseal = unseal
    this.#isHidden = isHidden
    this.#frames = new LRUCache<number, DecodedFrame>({
      maxSize: CACHE_BYTES,
      sizeCalculation: ({ payload, count }) => payload.length + 4 * count + 200
    })
  }

  /** @throws CKV_OUT_OF_RANGE if there is no such record */
  byPosition({ segment: id, offset, index }: Position): WalRecord | Promise<WalRecord> {
    const segment = this.#segments.byId(id)
    if (segment === undefined) throw noSuchSegment(id)
    const cached = this.#frames.get(cacheKey(id, offset))
    return cached === undefined ? this.#readByPosition(segment, offset, index) : this.#record(cached, index)
  }

  /** @throws CKV_OUT_OF_RANGE if there is no such record */
  bySequence(sequence: number): WalRecord | Promise<WalRecord> {
    const segment = this.#segmentOf(sequence)
    const recent = this.#recent
    if (recent?.segment === segment.id && contains(recent.frame, sequence)) {
      return this.#record(recent.frame, sequence - recent.frame.firstSequence)
    }
    const near = this.#segments.indexOf(segment.id)?.find(sequence)
    if (near !== undefined && sequence <= near.lastSequence) {
      const cached = this.#frames.get(cacheKey(segment.id, near.offset))
      if (cached !== undefined) return this.#record(cached, sequence - cached.firstSequence)
    }
    return this.#readBySequence(segment, sequence)
  }

  /**
   * The frame from which to read to find a record: it is in that frame, or in one of those after it.
   *
   * @throws CKV_OUT_OF_RANGE if there is no such record
   */
  async frameOf(sequence: number): Promise<{ segment: number; offset: number }> {
    const segment = this.#segmentOf(sequence)
    const known = this.#segments.indexOf(segment.id)
    const index = known ?? (await this.#segments.read(segment, file => this.#indexOf(segment, file)))
    return { segment: segment.id, offset: index.find(sequence).offset }
  }

  /**
   * Makes sure that a frame begins at a place in a run of a segment.
   *
   * @throws CKV_OUT_OF_RANGE; LEVEL_CORRUPTION if its header is damaged
   */
  assertFrame(segment: Segment, offset: number, run: Run): Promise<void> {
    return this.#segments.read(segment, async file => {
      const isThere = run.to - offset >= FRAME_HEADER_BYTES && (await headerAt(file, segment, offset)) !== undefined
      if (!isThere) throw await this.#whyNoFrame(file, segment, offset, run)
    })
  }

  /** @throws CKV_OUT_OF_RANGE */
  #segmentOf(sequence: number): Segment {
    const segment = this.#segments.bySequence(sequence)
    if (segment === undefined) throw noSuchRecord(sequence, this.#segments.first?.firstSequence)
    return segment
  }

  async #indexOf(segment: Segment, file: File): Promise<FrameIndex> {
    return this.#segments.indexOf(segment.id) ?? rebuildIndex(this.#segments, file, segment)
  }

  #record(frame: DecodedFrame, index: number): WalRecord | Promise<WalRecord> {
    if (!(Number.isInteger(index) && index >= 0 && index < frame.count)) {
      throw noSuchIndex(index, frame.count)
    }
    if (this.#isHidden?.(frame.keyOf(index))) throw noSuchRecord(frame.firstSequence + index)
    return frame.copyOf(index, this.#unseal)
  }

  async #readByPosition(segment: Segment, offset: number, index: number): Promise<WalRecord> {
    const { id } = segment
    const run = segment.runs.find(({ from, to }) => offset >= from && offset < to)
    if (run === undefined) throw noSuchFrame(id, offset)
    return this.#segments.read(segment, async file => {
      const holdsRecords = ({ type }: FrameHeader) => {
        if (type !== FRAME_TYPE.data) throw outOfRange(`The frame at ${offset} of segment ${id} holds no records`)
        return true
      }
      const noFrame = () => this.#whyNoFrame(file, segment, offset, run)
      const frame = await this.#readFrame(file, segment, offset, run.to, holdsRecords, noFrame)
      return this.#record(frame, index)
    })
  }

  async #readBySequence(segment: Segment, sequence: number): Promise<WalRecord> {
    return this.#segments.read(segment, async file => {
      const { offset } = (await this.#indexOf(segment, file)).find(sequence)
      const end = segment.runs.find(({ from, to }) => offset >= from && offset < to)?.to ?? offset
      const holdsIt = ({ type, firstSequence, count }: FrameHeader) => {
        if (type !== FRAME_TYPE.data || sequence >= firstSequence + count) return false
        if (sequence >= firstSequence) return true
        throw noSuchRecord(sequence) // Salvage skipped it.
      }
      const noFrame = (at: number) => damagedFrame(segment.id, at)
      const frame = await this.#readFrame(file, segment, offset, end, holdsIt, noFrame)
      this.#recent = { segment: segment.id, frame }
      return this.#record(frame, sequence - frame.firstSequence)
    })
  }

  /**
   * The first frame from `offset` on whose header is `wanted`.
   *
   * @param noFrame makes the error for a place without an intact header
   */
  async #readFrame(
    file: File,
    segment: Segment,
    offset: number,
    end: number,
    wanted: (header: FrameHeader) => boolean,
    noFrame: (at: number) => Error | Promise<Error>
  ): Promise<DecodedFrame> {
    let at = offset
    let chunkAt = offset
    let chunk = await readPiece(file, at, Math.min(READ_BYTES, end - at))
    for (;;) {
      if (at - chunkAt + FRAME_HEADER_BYTES > chunk.length) {
        if (end - at < FRAME_HEADER_BYTES) throw noSuchFrame(segment.id, offset)
        chunk = await readPiece(file, at, Math.min(READ_BYTES, end - at))
        chunkAt = at
      }
      const header = decodeFrameHeader(chunk.subarray(at - chunkAt), frameSeed(segment.seed, at))
      if (header === undefined) throw await noFrame(at)
      const length = FRAME_HEADER_BYTES + header.storedLength
      if (!wanted(header)) {
        at += length
        continue
      }
      const missing = at - chunkAt + length > chunk.length
      const bytes = missing ? await readPiece(file, at, length) : chunk.subarray(at - chunkAt, at - chunkAt + length)
      return this.#decode(segment, at, header, bytes)
    }
  }

  /** Why there is no intact header at a place: either the frame there is damaged, or none begins there, which the frames before it tell. */
  async #whyNoFrame(file: File, segment: Segment, offset: number, { from }: Run): Promise<Error> {
    const index = await this.#indexOf(segment, file)
    let at = Math.max(from, index.frameBefore(offset))
    while (at < offset) {
      const header = await headerAt(file, segment, at)
      if (header === undefined) return damagedFrame(segment.id, at)
      at += FRAME_HEADER_BYTES + header.storedLength
    }
    return at === offset ? damagedFrame(segment.id, offset) : noSuchFrame(segment.id, offset)
  }

  async #decode(segment: Segment, at: number, header: FrameHeader, bytes: Buffer): Promise<DecodedFrame> {
    const stored = bytes.subarray(FRAME_HEADER_BYTES)
    // Checked once more: the disk may have changed it since the log was opened.
    if (payloadCrc(stored, frameSeed(segment.seed, at)) !== header.payloadCrc || !isPlausible(header)) {
      throw damagedFrame(segment.id, at)
    }
    const restored = restorePayload(header, stored, Infinity)
    const payload = isPromise(restored) ? await restored : restored
    // Copied if it is a view of what was read, which it would keep in memory as a whole.
    const frame = new DecodedFrame(header, payload === stored ? Buffer.from(payload) : payload)
    const cacheable = payload.length <= CACHE_BYTES / 4 && !Number.isNaN(cacheKey(segment.id, at))
    if (cacheable) this.#frames.set(cacheKey(segment.id, at), frame)
    return frame
  }
}

/** @returns undefined if there is no intact header */
async function headerAt(file: File, segment: Segment, offset: number): Promise<FrameHeader | undefined> {
  return decodeFrameHeader(await readPiece(file, offset, FRAME_HEADER_BYTES), frameSeed(segment.seed, offset))
}

function contains(frame: DecodedFrame, sequence: number): boolean {
  return sequence >= frame.firstSequence && sequence <= frame.lastSequence
}

function noSuchRecord(sequence: number, oldest = sequence): Error {
  const reason = sequence < oldest ? `its oldest is ${oldest}` : 'it was deleted, or is not written yet'
  return outOfRange(`The log has no record ${sequence}: ${reason}`)
}

/**
 * The key of a frame in the cache: a number, since making a string would take longer than looking it up. NaN beyond 4 GiB or two million segments,
 * where frames are not cached.
 */
function cacheKey(segment: number, offset: number): number {
  return offset < 2 ** 32 && segment < 2 ** 21 ? segment * 2 ** 32 + offset : Number.NaN
}

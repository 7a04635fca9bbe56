import { notSupported } from '../../errors.js'
import type { File } from '../../fs/file-system.js'
import { FRAME_HEADER_BYTES, FRAME_TYPE, frameSeed, payloadCrc } from '../format/format.js'
import { decodeFrameHeader, type FrameHeader, unknownFrameBits } from '../format/frame-header.js'
import { readFully } from '../segments/read-fully.js'

/** A frame whose checksums hold. */
export interface Frame {
  readonly offset: number
  readonly header: FrameHeader
  /** The stored payload. Its memory is not used for anything else before the frame is released. */
  readonly stored: Buffer
  /** The piece of the file that was read with this frame in it. */
  readonly chunk: Chunk
}

/** A piece of the file in memory. */
interface Chunk {
  readonly bytes: Buffer
  /** Where in the file it begins. */
  readonly at: number
  /** How many frames in it are not released yet. */
  frames: number
}

/** Where the bytes of a segment stop being frames, and why. */
export interface BadFrame {
  readonly badAt: number
  readonly why: string
}

export interface ScanStart {
  readonly offset: number
  /** CRC of the header of the frame, or segment, before. Default: any. */
  readonly previousCrc?: number
  /** Sequence number that the next frame must begin with. Default: any. */
  readonly sequence?: number
}

/** The least bytes of the first read, and of later ones: a scan that goes on reads more at a time, and so less often. */
const FIRST_READ_BYTES = 256 * 1024
const READ_BYTES = 1024 * 1024
/** Space left in front of a piece that is read ahead, for the beginning of a frame that lies in the piece before. */
const HEAD_ROOM_BYTES = 128 * 1024
const MAX_KEPT_BYTES = HEAD_ROOM_BYTES + READ_BYTES
/** How many buffers are kept for later: the frames of one chunk are used while another chunk is read. */
const MAX_SPARE = 2

const NO_CHUNK: Chunk = { bytes: Buffer.alloc(0), at: 0, frames: 0 }

/** Buffers that one scanner leaves to the next: fresh memory for each segment of a long log would be much garbage to collect. */
export class ChunkMemory {
  readonly #spare: Buffer[] = []

  take(size: number): Buffer {
    const large = this.#spare.findIndex(({ length }) => length >= size)
    return large < 0 ? Buffer.allocUnsafeSlow(size) : this.#spare.splice(large, 1)[0]!.subarray(0, size)
  }

  give({ buffer }: Buffer): void {
    const { byteLength } = buffer
    if (byteLength >= READ_BYTES && byteLength <= MAX_KEPT_BYTES && this.#spare.length < MAX_SPARE)
      this.#spare.push(Buffer.from(buffer))
  }
}

/** The piece after a chunk, which is being read while the frames of the chunk are restored. */
interface ReadAhead {
  /** The piece, after {@link HEAD_ROOM_BYTES} of free space. */
  readonly memory: Buffer
  readonly at: number
  readonly bytes: number
  readonly done: Promise<void>
}

/** Reads the frames of a segment one after another, and checks them. */
export class FrameScanner {
  readonly #file: File
  readonly #seed: number
  /** Bytes from here on are not looked at. */
  #end: number
  #offset: number
  #previousCrc: number | undefined
  #sequence: number | undefined
  #chunk = NO_CHUNK
  #ahead: ReadAhead | undefined
  readonly #memory: ChunkMemory
  #readBytes = FIRST_READ_BYTES

  /** @param seed see `segmentSeed` */
  constructor(file: File, seed: number, start: ScanStart, end: number, memory = new ChunkMemory()) {
    this.#file = file
    this.#memory = memory
    this.#seed = seed
    this.#end = end
    this.#offset = start.offset
    this.#previousCrc = start.previousCrc
    this.#sequence = start.sequence
  }

  /** Where the next frame is expected. */
  get offset(): number {
    return this.#offset
  }

  /** Lets the scan go on, to a new end. */
  extend(end: number): void {
    this.#end = end
  }

  /** Goes on at another place, where any frame may follow. What is in memory is not read again. */
  goTo(offset: number): void {
    this.#offset = offset
    this.#previousCrc = undefined
    this.#sequence = undefined
  }

  /**
   * @returns undefined at the end
   * @throws LEVEL_NOT_SUPPORTED for an intact frame of a later version; errors of the file system
   */
  async next(): Promise<Frame | BadFrame | undefined> {
    const offset = this.#offset
    if (offset === this.#end) return undefined
    const bad = (why: string): BadFrame => ({ badAt: offset, why })
    if (this.#end - offset < FRAME_HEADER_BYTES) return bad('shorter than the header of a frame')

    const seed = frameSeed(this.#seed, offset)
    const headerBytes = this.#has(FRAME_HEADER_BYTES) ?? (await this.#read(FRAME_HEADER_BYTES))
    const header = decodeFrameHeader(headerBytes, seed)
    if (header === undefined) return bad('not a frame of this segment')
    const unsound = this.#unsoundness(header)
    if (unsound !== undefined) return bad(unsound)
    const next = offset + FRAME_HEADER_BYTES + header.storedLength
    if (next > this.#end) return bad('the file ends in the middle of a frame')

    const length = FRAME_HEADER_BYTES + header.storedLength
    const bytes = this.#has(length) ?? (await this.#read(length))
    const stored = bytes.subarray(FRAME_HEADER_BYTES)
    if (payloadCrc(stored, seed) !== header.payloadCrc) return bad('its checksum fails')
    assertKnown(bytes, header)

    this.#offset = next
    this.#previousCrc = header.crc
    if (this.#sequence !== undefined && header.type === FRAME_TYPE.data) this.#sequence += header.count
    this.#chunk.frames++
    return { offset, header, stored, chunk: this.#chunk }
  }

  /** Leaves the memory to other scanners. No call of `next` may be under way, or come later. */
  end(): void {
    this.#reuse(this.#chunk)
    this.#chunk = NO_CHUNK
  }

  /** Lets the memory of a frame be used again. Optional: memory that is never released is left to the garbage collector. */
  release({ chunk }: Frame): void {
    chunk.frames--
    if (chunk !== this.#chunk) this.#reuse(chunk)
  }

  #unsoundness(header: FrameHeader): string | undefined {
    if (this.#previousCrc !== undefined && header.previousCrc !== this.#previousCrc) {
      return 'it does not follow the frame before it'
    }
    if (this.#sequence !== undefined && header.firstSequence !== this.#sequence) {
      return `it begins with record ${header.firstSequence}, not ${this.#sequence}`
    }
    return header.syncedOffset <= this.#offset ? undefined : 'it vouches for bytes after itself'
  }

  /** The next bytes; undefined if they are not all in memory. */
  #has(length: number): Buffer | undefined {
    const { bytes, at } = this.#chunk
    const from = this.#offset - at
    return from >= 0 && from + length <= bytes.length ? bytes.subarray(from, from + length) : undefined
  }

  async #read(length: number): Promise<Buffer> {
    const offset = this.#offset
    const last = this.#chunk
    const from = offset - last.at
    const kept = last.bytes.subarray(from >= 0 ? from : last.bytes.length)
    const ahead = await this.#takeAhead(offset + kept.length)
    const isEnough = ahead !== undefined && kept.length <= HEAD_ROOM_BYTES && kept.length + ahead.bytes >= length
    const bytes = isEnough ? inOne(kept, ahead) : await this.#readOn(kept, ahead, length)
    this.#readBytes = READ_BYTES
    this.#chunk = { bytes, at: offset, frames: 0 }
    this.#reuse(last)
    this.#readAhead(offset + bytes.length)
    return bytes.subarray(0, length)
  }

  async #takeAhead(at: number): Promise<ReadAhead | undefined> {
    const ahead = this.#ahead
    this.#ahead = undefined
    if (ahead?.at !== at) return undefined
    await ahead.done
    return ahead
  }

  /** Joins what is kept, what was read ahead and what is read now. */
  async #readOn(kept: Buffer, ahead: ReadAhead | undefined, length: number): Promise<Buffer> {
    const there = kept.length + (ahead?.bytes ?? 0)
    const wanted = there >= length ? there : Math.max(length, this.#readBytes)
    const bytes = this.#memory.take(Math.min(wanted, this.#end - this.#offset))
    kept.copy(bytes)
    if (ahead !== undefined) {
      ahead.memory.copy(bytes, kept.length, HEAD_ROOM_BYTES)
      this.#memory.give(ahead.memory)
    }
    await readFully(this.#file, bytes.subarray(there), this.#offset + there)
    return bytes
  }

  #readAhead(at: number): void {
    const bytes = Math.min(READ_BYTES, this.#end - at)
    if (bytes <= 0) return
    const memory = this.#memory.take(HEAD_ROOM_BYTES + bytes)
    const done = readFully(this.#file, memory.subarray(HEAD_ROOM_BYTES), at)
    done.catch(() => {}) // Thrown where it is awaited, which may never be.
    this.#ahead = { memory, at, bytes, done }
  }

  #reuse({ bytes, frames }: Chunk): void {
    if (frames === 0) this.#memory.give(bytes)
  }
}

/** Joins both without copying what was read ahead: what is kept goes into the free space in front of that. */
function inOne(kept: Buffer, { memory }: ReadAhead): Buffer {
  const begin = HEAD_ROOM_BYTES - kept.length
  kept.copy(memory, begin)
  return memory.subarray(begin)
}

/** @throws LEVEL_NOT_SUPPORTED */
function assertKnown(bytes: Buffer, header: FrameHeader): void {
  if (header.type >= FRAME_TYPE.data && header.type <= FRAME_TYPE.seal && !unknownFrameBits(bytes)) return
  throw notSupported(
    `A frame of the log has type ${header.type} or flags that this version does not know: upgrade compressed-kv`
  )
}

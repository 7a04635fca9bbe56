import { FRAME_HEADER_BYTES } from '../format/format.js'

/** The least that is allocated at a time. Frames that follow one another in memory can be written with one call, without a copy. */
const SLAB_BYTES = 1024 * 1024
/** How much memory is kept for later frames: more than a thousand records of 10 KiB take that are under way at once. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024

interface Slab {
  readonly bytes: Buffer
  /** Frames in it that are not released. */
  frames: number
}

/** Memory for the frames of a log, one after another, which is used again when they are written. */
export class FrameMemory {
  readonly #frameBytes: number
  readonly #slabBytes: number
  readonly #free: Slab[] = []
  readonly #slabs = new WeakMap<ArrayBufferLike, Slab>()
  /** The slab that frames are taken from. undefined until the first frame: a log that is only read needs none. */
  #slab: Slab | undefined
  /** Where the next frame begins in the slab. */
  #at = 0

  /** @param blockBytes bytes that the records of a frame take at most, unless one append is larger */
  constructor(blockBytes: number) {
    this.#frameBytes = FRAME_HEADER_BYTES + blockBytes
    this.#slabBytes = Math.max(SLAB_BYTES, this.#frameBytes)
  }

  /** Memory for a frame whose first record takes `size` bytes. Call {@link keep} for the frame before first. */
  take(size: number): Buffer {
    const length = Math.max(this.#frameBytes, FRAME_HEADER_BYTES + size)
    if (length > this.#slabBytes) return Buffer.allocUnsafeSlow(length)
    const slab = this.#slabFor(length)
    slab.frames++
    return slab.bytes.subarray(this.#at, this.#at + length)
  }

  /** Says that the frame taken last needs only `length` bytes: the next frame begins after them. */
  keep(bytes: Buffer, length: number): void {
    if (this.#slab?.bytes.buffer === bytes.buffer) this.#at += length
  }

  /** Gives the memory of a frame back. */
  release(bytes: Buffer): void {
    const slab = this.#slabs.get(bytes.buffer)
    if (slab === undefined) return
    slab.frames--
    if (slab !== this.#slab) this.#retire(slab)
  }

  #slabFor(length: number): Slab {
    const slab = this.#slab
    if (slab !== undefined) {
      if (this.#at + length <= this.#slabBytes) return slab
      this.#retire(slab)
    }
    this.#at = 0
    return (this.#slab = this.#free.pop() ?? this.#newSlab())
  }

  #retire(slab: Slab): void {
    if (slab.frames === 0 && (this.#free.length + 1) * this.#slabBytes <= MAX_KEPT_BYTES) this.#free.push(slab)
  }

  #newSlab(): Slab {
    const slab = { bytes: Buffer.allocUnsafeSlow(this.#slabBytes), frames: 0 }
    this.#slabs.set(slab.bytes.buffer, slab)
    return slab
  }
}

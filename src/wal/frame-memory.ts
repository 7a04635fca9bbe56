import { FRAME_HEADER_BYTES } from './format.js'

/** What is allocated at once, at least: frames that lie behind one another in it can be written together, without a copy. */
const SLAB_BYTES = 1024 * 1024
/** Memory that is kept for later frames, bytes: a thousand records of 10 KiB under way, and as much again. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024

interface Slab {
  readonly bytes: Buffer
  /** Frames in it that are not released. */
  frames: number
}

/** Memory for the frames of a log, one behind the other in the order in which they are filled, and used again. */
export class FrameMemory {
  readonly #frameBytes: number
  readonly #slabBytes: number
  readonly #free: Slab[] = []
  readonly #slabs = new WeakMap<ArrayBufferLike, Slab>()
  #slab: Slab
  /** Where the next frame begins in the slab. */
  #at = 0

  /** @param blockBytes what the records of a frame take, as a rule at most */
  constructor(blockBytes: number) {
    this.#frameBytes = FRAME_HEADER_BYTES + blockBytes
    this.#slabBytes = Math.max(SLAB_BYTES, this.#frameBytes)
    this.#slab = this.#newSlab()
  }

  /** Memory for a frame whose first record takes `size` bytes. The frame before has been told to {@link keep} what it needs of its own. */
  take(size: number): Buffer {
    const length = Math.max(this.#frameBytes, FRAME_HEADER_BYTES + size)
    if (length > this.#slabBytes) return Buffer.allocUnsafeSlow(length)
    if (this.#at + length > this.#slabBytes) {
      this.#retire(this.#slab)
      this.#slab = this.#free.pop() ?? this.#newSlab()
      this.#at = 0
    }
    this.#slab.frames++
    return this.#slab.bytes.subarray(this.#at, this.#at + length)
  }

  /** The frame that has these bytes, the last that was taken, will be no longer than `length`: the next one begins behind it. */
  keep(bytes: Buffer, length: number): void {
    if (this.#slabs.get(bytes.buffer) === this.#slab) this.#at += length
  }

  /** The frame that has these bytes needs them no more. */
  release(bytes: Buffer): void {
    const slab = this.#slabs.get(bytes.buffer)
    if (slab === undefined) return
    slab.frames--
    if (slab !== this.#slab) this.#retire(slab)
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

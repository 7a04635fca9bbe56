const SLAB_BYTES = 256 * 1024
/** Larger values get memory of their own. */
const MAX_SHARED_BYTES = SLAB_BYTES / 8
/** Typed arrays of every element size can be laid over a value that starts at a multiple of this. */
const ALIGNMENT = 8

/**
 * Copies of values for a table, next to one another: memory of one's own for each costs a µs. The values of a table go together, when the
 * backend has them.
 */
export class ValueArena {
  #slab = Buffer.alloc(0)
  #used = 0

  copy(value: Uint8Array): Buffer {
    const { length } = value
    if (length > MAX_SHARED_BYTES) {
      const own = Buffer.allocUnsafeSlow(length)
      own.set(value)
      return own
    }
    if (this.#used + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    const copy = this.#slab.subarray(this.#used, this.#used + length)
    copy.set(value)
    this.#used = Math.ceil((this.#used + length) / ALIGNMENT) * ALIGNMENT
    return copy
  }
}

import { markAsUntransferable } from 'node:worker_threads'
import { ALIGNMENT } from '../../envelope/stored-memory.js'

const SLAB_BYTES = 256 * 1024
/** Larger values get memory of their own. */
const MAX_SHARED_BYTES = SLAB_BYTES / 8

const NOTHING = Buffer.alloc(0)

/**
 * Copies values for a table into memory that they share, since allocating memory for each would take a µs. It is freed as a whole, which suits
 * the values of a table: they are all dropped when the backend has them.
 */
export class ValueArena {
  #open = NOTHING
  #used = 0

  /** Where the last copy lies. */
  slab = NOTHING
  at = 0

  /** Copies a value: it lies in {@link slab} from {@link at} on. */
  copy(value: Uint8Array): void {
    const { length } = value
    if (length > MAX_SHARED_BYTES) {
      this.slab = Buffer.allocUnsafeSlow(length)
      this.at = 0
      this.slab.set(value)
      return
    }
    if (this.#used + length > this.#open.length) {
      this.#open = Buffer.allocUnsafeSlow(SLAB_BYTES)
      markAsUntransferable(this.#open.buffer) // A codec that transfers one value would take its neighbours along.
      this.#used = 0
    }
    this.slab = this.#open
    this.at = this.#used
    this.#open.set(value, this.#used)
    this.#used = Math.ceil((this.#used + length) / ALIGNMENT) * ALIGNMENT
  }
}

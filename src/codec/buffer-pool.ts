import { markAsUntransferable } from 'node:worker_threads'

/** Sizes of slabs are powers of two from here on, so that pieces of about the same size can use the same slab one after another. */
const MIN_SLAB_BYTES = 64 * 1024

/**
 * Memory for buffers that are needed while a codec works. Fresh memory of megabytes costs page faults and garbage collections: with values of 2 MiB
 * they would take a sixth of a put's time on the main thread.
 */
export class BufferPool {
  readonly #maxKeptBytes: number
  readonly #free = new Map<number, Buffer[]>()
  /** The slab of each piece that is in use. */
  readonly #lent = new WeakMap<Uint8Array, Buffer>()
  #keptBytes = 0

  /** @param maxKeptBytes how much memory is kept for later; memory in use does not count */
  constructor(maxKeptBytes: number) {
    this.#maxKeptBytes = maxKeptBytes
  }

  /** Memory that is not initialised. Give it back with {@link release}; otherwise it is collected as garbage. */
  take(bytes: number): Buffer {
    const slabBytes = this.#slabFor(bytes)
    let slab = this.#free.get(slabBytes)?.pop()
    if (slab === undefined) {
      slab = Buffer.allocUnsafeSlow(slabBytes)
      markAsUntransferable(slab.buffer) // A codec must not transfer it to another thread: it is used again afterwards.
    } else this.#keptBytes -= slabBytes
    const taken = slab.subarray(0, bytes)
    this.#lent.set(taken, slab)
    return taken
  }

  /** @param taken must no longer be used. Does nothing for memory that is not from {@link take}, or was given back already */
  release(taken: Uint8Array): void {
    const slab = this.#lent.get(taken)
    if (slab === undefined) return
    this.#lent.delete(taken)
    if (this.#keptBytes + slab.length > this.#maxKeptBytes) return
    this.#keptBytes += slab.length
    const slabs = this.#free.get(slab.length)
    if (slabs === undefined) this.#free.set(slab.length, [slab])
    else slabs.push(slab)
  }

  /** Memory that is too large to be kept is not rounded up: for a value of a gigabyte that could waste another one. */
  #slabFor(bytes: number): number {
    if (bytes > this.#maxKeptBytes) return bytes
    return Math.max(MIN_SLAB_BYTES, 2 ** Math.ceil(Math.log2(bytes)))
  }
}

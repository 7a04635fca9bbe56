/** Memory that the pool keeps for later, in bytes. What is in use does not count. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024
/** Slabs are powers of two from here on, so that values of about one size can take turns in the same ones. */
const MIN_SLAB_BYTES = 64 * 1024

/**
 * Copies of large values while they are compressed. Fresh memory of megabytes costs page faults and collections: with values of
 * 2 MiB a put spent a sixth of the main thread on them.
 */
export class CopyPool {
  readonly #free = new Map<number, Buffer[]>()
  #keptBytes = 0

  /** A copy of `value`, to be given back with {@link release}. */
  copy(value: Uint8Array): Buffer {
    const slabBytes = slabFor(value.length)
    const slab = this.#free.get(slabBytes)?.pop()
    if (slab !== undefined) this.#keptBytes -= slabBytes
    const copy = (slab ?? Buffer.allocUnsafeSlow(slabBytes)).subarray(0, value.length)
    copy.set(value)
    return copy
  }

  /** @param copy as {@link copy} gave it; not used any more */
  release(copy: Buffer): void {
    const slab = Buffer.from(copy.buffer)
    if (this.#keptBytes + slab.length > MAX_KEPT_BYTES) return
    this.#keptBytes += slab.length
    const slabs = this.#free.get(slab.length)
    if (slabs === undefined) this.#free.set(slab.length, [slab])
    else slabs.push(slab)
  }
}

/** What is too large to be kept is not rounded up: that could double the memory of a value of a gigabyte. */
function slabFor(bytes: number): number {
  if (bytes > MAX_KEPT_BYTES) return bytes
  return Math.max(MIN_SLAB_BYTES, 2 ** Math.ceil(Math.log2(bytes)))
}

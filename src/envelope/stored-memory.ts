import { markAsUntransferable } from 'node:worker_threads'

/*
 * Memory for keys and envelopes, which a backend may keep. Short ones lie next to one another in slabs, as in Node.js's own pool, but with nothing else
 * between them. In Node.js's pool a caller's value would stay in memory as long as a key or an envelope beside it: over memory-level, values of 1 KiB
 * would take twice as much as without this library.
 */
const SLAB_BYTES = 8 * 1024
const MAX_SHARED_BYTES = SLAB_BYTES / 2
/** Every value starts at a multiple of this, so that typed arrays of any element size can be laid over it. */
export const ALIGNMENT = 8

let slab = Buffer.allocUnsafeSlow(0)
let used = 0

/** Memory of this many bytes, uninitialised. */
export function storedMemory(bytes: number): Buffer {
  if (bytes > MAX_SHARED_BYTES) return Buffer.allocUnsafeSlow(bytes)
  if (used + bytes > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    markAsUntransferable(slab.buffer) // As Node.js's pool is: to transfer one value would take its neighbours along.
    used = 0
  }
  const memory = slab.subarray(used, used + bytes)
  used = Math.ceil((used + bytes) / ALIGNMENT) * ALIGNMENT
  return memory
}

export function storedCopy(bytes: Uint8Array): Buffer {
  const copy = storedMemory(bytes.length)
  copy.set(bytes)
  return copy
}

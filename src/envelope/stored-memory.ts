import { markAsUntransferable } from 'node:worker_threads'

/*
 * Memory for what a backend may keep: keys and envelopes, short ones next to one another in slabs, as in Node.js's own pool, but with nothing else
 * between them. In that pool a caller's value would stay as long as a key or an envelope beside it: over memory-level values of 1 KiB would take
 * twice what they take without this library.
 */
const SLAB_BYTES = 8 * 1024
const MAX_SHARED_BYTES = SLAB_BYTES / 2
/** Typed arrays of every element size can be laid over what starts at a multiple of this. */
export const ALIGNMENT = 8

let slab = Buffer.allocUnsafeSlow(0)
let used = 0

/** Uninitialised. */
export function storedMemory(bytes: number): Buffer {
  if (bytes > MAX_SHARED_BYTES) return Buffer.allocUnsafeSlow(bytes)
  if (used + bytes > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
    markAsUntransferable(slab.buffer) // As Node.js's pool is: transferring one value would take its neighbours along.
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

import { setImmediate } from 'node:timers'
import { THREADS } from '../off-thread.js'

/*
 * lz4-napi brings its own allocator, mimalloc. Memory that one thread allocates there and another thread frees can be used again only when the first
 * thread looks for such memory, which it does after a hundred requests for more than 1 KiB. The threads of the pool allocate results, and the main
 * thread frees them, so that each thread keeps up to a hundred of them: with values of 4 MiB, 1.5 GiB. No garbage collection changes that.
 */

/** How many bytes of results may stay in memory beside those in use. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024
/** The smallest result to count. {@link MAX_KEPT_BYTES} of smaller ones are so many requests that the threads look by themselves. */
const MIN_RESULT_BYTES = 128 * 1024
/** A call of `decompressFrame` makes two or three requests. This is twice what is needed, since one thread may take more calls than another. */
const CALLS_A_THREAD = 50

let bytes = 0
let reclaiming = false

/**
 * Counts results. After every {@link MAX_KEPT_BYTES} of them it makes small calls on all threads of the pool, so that mimalloc looks there for what
 * the main thread has freed.
 *
 * @param resultBytes how much memory was allocated for a result off the main thread
 * @param call a small call that makes requests for memory
 */
export function reclaimAfter(resultBytes: number, call: () => Promise<unknown>): void {
  if (resultBytes < MIN_RESULT_BYTES) return
  bytes += resultBytes
  if (bytes < MAX_KEPT_BYTES || reclaiming) return
  bytes = 0
  reclaiming = true
  // In the next turn of the event loop: the codec's next call, which begins because one has ended, reaches the threads before these.
  setImmediate(() => {
    const calls = Array.from({ length: CALLS_A_THREAD * THREADS }, call)
    void Promise.allSettled(calls).then(() => (reclaiming = false))
  })
}

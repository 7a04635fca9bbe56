import { setImmediate } from 'node:timers'
import { THREADS } from '../off-thread.js'

/*
 * lz4-napi brings its own allocator, mimalloc. Memory that one thread allocates there and another frees is free again only when the first looks
 * for it, which it does after a hundred requests for more than 1 KiB. Threads of the pool allocate results and the main thread frees them, so that
 * each thread keeps up to a hundred: 1.5 GiB with values of 4 MiB. No garbage collection brings it back.
 */

/** Results that may stay beside those in use, in bytes. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024
/** {@link MAX_KEPT_BYTES} of smaller results are enough requests for the threads to look by themselves. */
const MIN_RESULT_BYTES = 128 * 1024
/** Twice what is needed, since any thread may take a call: one of `decompressFrame` makes two to three requests. */
const CALLS_A_THREAD = 50

let bytes = 0
let reclaiming = false

/**
 * Counts results; every 8 MiB runs small calls on all pool threads, so that mimalloc there collects what the main thread freed.
 *
 * @param resultBytes what a call off the main thread has taken
 * @param call a small one that makes requests
 */
export function reclaimAfter(resultBytes: number, call: () => Promise<unknown>): void {
  if (resultBytes < MIN_RESULT_BYTES) return
  bytes += resultBytes
  if (bytes < MAX_KEPT_BYTES || reclaiming) return
  bytes = 0
  reclaiming = true
  // In the next turn: the codec's next call, which follows from the one that is over, reaches the threads before these.
  setImmediate(() => {
    const calls = Array.from({ length: CALLS_A_THREAD * THREADS }, call)
    void Promise.allSettled(calls).then(() => (reclaiming = false))
  })
}

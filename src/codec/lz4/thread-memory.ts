import { THREADS } from '../off-thread.js'

/*
 * lz4-napi brings an allocator of its own, mimalloc. What one thread takes there and another gives back is free again only when the first comes
 * to look, which it does after a hundred requests for more than 1 KiB. Results of calls are taken by threads of the pool and given back by the
 * main one, so that each of four threads kept a hundred of them: 1.5 GiB with values of 4 MiB, and no collection of garbage brought it back.
 */

/** So many bytes of results may stay, beside what is in use. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024
/** Results below this are so many, until there is as much of them, that the threads look by themselves. */
const MIN_RESULT_BYTES = 128 * 1024
/** Twice what is needed, since nobody can say which thread takes a call: one of `decompressFrame` makes two to three requests. */
const CALLS_A_THREAD = 50

let bytes = 0
let looking = false

/**
 * Has the pool's threads look for memory that was given back, when there may be much of it: by calls that do nothing else.
 *
 * @param resultBytes what a call off the main thread has taken
 * @param call the smallest one that makes requests
 */
export function taken(resultBytes: number, call: () => Promise<unknown>): void {
  if (resultBytes < MIN_RESULT_BYTES) return
  bytes += resultBytes
  if (bytes < MAX_KEPT_BYTES || looking) return
  bytes = 0
  looking = true
  // In the next turn: the codec's next call, which follows from the one that is over, goes to the threads before all of these.
  setImmediate(() => {
    const calls = Array.from({ length: CALLS_A_THREAD * THREADS }, call)
    void Promise.allSettled(calls).then(() => (looking = false))
  })
}

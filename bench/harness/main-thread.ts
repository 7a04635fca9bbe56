import { readFileSync } from 'node:fs'

/** Processor time of the calling thread, in ms; undefined where the system does not tell. Linux counts it in nanoseconds. */
export function threadMilliseconds(): number | undefined {
  // The scheduler adds up when it takes a thread off, or at a tick of some ms: a thread that sleeps for a moment is counted exactly.
  Atomics.wait(CELL, 0, 0, SLEEP_MS)
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6
  } catch {
    return undefined
  }
}

const CELL = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
const SLEEP_MS = 0.05

/** µs for one operation. */
export interface Cost {
  /** Processor time of the calling thread; where the system does not tell, the active time of its event loop. */
  readonly mainThread: number
  readonly wall: number
}

/** What `work`, which does so many operations, costs for one of them. */
export async function costOf(operations: number, work: () => Promise<unknown>): Promise<Cost> {
  const threadBefore = threadMilliseconds()
  const loopBefore = performance.eventLoopUtilization()
  const start = performance.now()
  await work()
  const wall = performance.now() - start
  const { active } = performance.eventLoopUtilization(loopBefore)
  const thread = threadBefore === undefined ? active : threadMilliseconds()! - threadBefore
  return { mainThread: (thread * 1000) / operations, wall: (wall * 1000) / operations }
}

import { readFileSync } from 'node:fs'

/** Processor time of the calling thread, in ms; undefined if the system does not tell. Linux counts it in nanoseconds. */
export function threadMilliseconds(): number | undefined {
  // The scheduler adds time up when it takes a thread off the processor, or at ticks some ms apart. After a short sleep the count is exact.
  Atomics.wait(CELL, 0, 0, SLEEP_MS)
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6
  } catch {
    return undefined
  }
}

const CELL = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
const SLEEP_MS = 0.05

/** What one operation costs, in µs. */
export interface Cost {
  /** Processor time of the calling thread; if the system does not tell, the active time of its event loop. */
  readonly mainThread: number
  readonly wall: number
}

/** What one operation costs, when `work` does `operations` of them. */
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

import { performance } from 'node:perf_hooks'
import { inFlightFor } from '../../harness/in-flight.js'
import type { Figure } from './operations.js'

/**
 * Runs `work`, which returns how many entries it handled. Main-thread time is the event loop's active time: Node.js 20 has no processor
 * time by thread.
 */
export async function timed(work: () => Promise<number>): Promise<Figure> {
  const loopBefore = performance.eventLoopUtilization()
  const start = performance.now()
  const entries = await work()
  const milliseconds = performance.now() - start
  const { active } = performance.eventLoopUtilization(loopBefore)
  return { value: (entries * 1000) / milliseconds, mainThreadUs: (active * 1000) / entries }
}

/** Calls `task` over and over for some time, never more than `limit` at once; each call handles the same number of entries. */
export async function timedFor(
  milliseconds: number,
  limit: number,
  task: (index: number) => Promise<unknown>,
  entriesPerCall = 1
): Promise<Figure> {
  return timed(async () => (await inFlightFor(milliseconds, limit, task)) * entriesPerCall)
}

/** The same for calls that return without a promise. */
export async function timedSyncFor(milliseconds: number, task: (index: number) => unknown): Promise<Figure> {
  return timed(async () => {
    const deadline = performance.now() + milliseconds
    let ran = 0
    do task(ran++)
    while (performance.now() < deadline)
    return ran
  })
}

import { inFlightFor } from '../harness/in-flight.js'
import { median } from '../harness/median.js'
import { megabytesPerSecond } from '../harness/number-text.js'

/** A figure is the median of three windows of this length. If a call takes longer than a window, there is only one. */
const WINDOW_MILLISECONDS = 40
const WINDOWS = 3

/** Something that would take longer than this is not measured. */
const MAX_MILLISECONDS = 3000

/** MB/s of raw bytes, one call after the other on this thread. Call `i` works on value `i` modulo the number of values. */
export async function rateOfCalls(rawLengths: readonly number[], call: (i: number) => unknown): Promise<number> {
  return medianWindow(async () => {
    const start = performance.now()
    let bytes = 0
    for (let i = 0; performance.now() - start < WINDOW_MILLISECONDS; i++) {
      const value = i % rawLengths.length
      call(value)
      bytes += rawLengths[value]!
    }
    return { bytes, milliseconds: performance.now() - start }
  })
}

/** Whether to measure `calls` calls, going by the rate of one at a time: not if that takes too long. */
export function isAffordable(calls: number, rawLength: number, rateOfOne: number): boolean {
  return (calls * rawLength) / 1e3 / rateOfOne <= MAX_MILLISECONDS
}

/** MB/s of raw bytes with `limit` calls in flight. */
export async function rateInFlight(
  rawLengths: readonly number[],
  limit: number,
  call: (i: number) => Promise<unknown>
): Promise<number> {
  return medianWindow(async () => {
    const start = performance.now()
    let bytes = 0
    await inFlightFor(WINDOW_MILLISECONDS, limit, async i => {
      const value = i % rawLengths.length
      await call(value)
      bytes += rawLengths[value]!
    })
    return { bytes, milliseconds: performance.now() - start }
  })
}

async function medianWindow(window: () => Promise<{ bytes: number; milliseconds: number }>): Promise<number> {
  const rates: number[] = []
  for (let i = 0; i < WINDOWS; i++) {
    const { bytes, milliseconds } = await window()
    rates.push(megabytesPerSecond(bytes, milliseconds))
    if (milliseconds > 4 * WINDOW_MILLISECONDS) break
  }
  return median(rates)
}

import { inFlight } from './in-flight.js'

/** Runs `task` for 0 to count - 1, at a rate per second, but never more than `limit` at once: one that cannot begin on time begins later. */
export function paced(
  count: number,
  perSecond: number,
  limit: number,
  task: (index: number) => Promise<unknown>
): Promise<void> {
  const start = performance.now()
  return inFlight(count, limit, async index => {
    const milliseconds = start + (index * 1000) / perSecond - performance.now()
    if (milliseconds > 0) await new Promise(resolve => setTimeout(resolve, milliseconds))
    await task(index)
  })
}

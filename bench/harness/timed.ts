export interface Timed {
  readonly perSecond: number
  /**
   * Processor time of the whole process for one operation, in µs, with threads of the pool and of the backend. A busy machine changes it less than
   * the time by the clock.
   */
  readonly cpuMicroseconds: number
}

/** Times `work`, which does `operations` operations. */
export async function timed(operations: number, work: () => Promise<void>): Promise<Timed> {
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  await work()
  const milliseconds = performance.now() - start
  const { user, system } = process.cpuUsage(cpuBefore)
  return { perSecond: (operations * 1000) / milliseconds, cpuMicroseconds: (user + system) / operations }
}

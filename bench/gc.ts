import { benchForeground } from './gc/foreground.js'
import { benchOverwrites } from './gc/overwrites.js'
import { benchSpace } from './gc/space.js'
import { benchSweepRate } from './gc/sweep-rate.js'
import type { Report } from './harness/report.js'

/** Measures sweeps: how fast they are, what they save, and what they do to others meanwhile. Also how large a log becomes under overwrites. */
export async function benchGc(report: Report, corpus?: string, full = false): Promise<void> {
  await benchSweepRate(report, corpus)
  await benchSpace(report, corpus)
  await benchForeground(report, corpus)
  await benchOverwrites(report, full)
}

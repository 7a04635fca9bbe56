import type { Report } from './harness/report.js'
import { benchBurstCost } from './write/burst-cost.js'
import { benchEventLoop } from './write/event-loop.js'
import { benchFilledDatabase } from './write/filled-database.js'
import { benchReadsOverBare } from './write/reads-over-bare.js'
import { benchWritesOverBare } from './write/writes-over-bare.js'

/** Measures writes through log and MemTable beside the bare backend: what they cost the main thread, do to the event loop, and how fast they are. */
export async function benchWrite(report: Report, corpus?: string, full = false): Promise<void> {
  await benchBurstCost(report, corpus)
  await benchEventLoop(report, corpus)
  await benchFilledDatabase(report, corpus, full)
  await benchWritesOverBare(report, corpus, full)
  await benchReadsOverBare(report, corpus)
}

import type { Report } from './harness/report.js'
import { benchBurstCost } from './write/burst-cost.js'
import { benchEventLoop } from './write/event-loop.js'
import { benchFilledDatabase } from './write/filled-database.js'
import { benchReadsOverBare } from './write/reads-over-bare.js'
import { benchWritesOverBare } from './write/writes-over-bare.js'

/** Writing through log and MemTable beside the bare backend: what it costs the main thread, what it does to the event loop, and how fast it is. */
export async function benchWrite(report: Report, corpus?: string, full = false): Promise<void> {
  await benchBurstCost(report, corpus)
  await benchEventLoop(report, corpus)
  await benchFilledDatabase(report, corpus, full)
  await benchWritesOverBare(report, corpus, full)
  await benchReadsOverBare(report, corpus)
}

import type { Report } from './harness/report.js'
import { benchDisk } from './store/disk.js'
import { benchLargeValues } from './store/large-values.js'
import { benchMemoryHeld } from './store/memory-held.js'
import { benchRecords } from './store/records.js'

/** Measures the store beside the bare backend and beside the codec alone. */
export async function benchStore(report: Report, corpus?: string): Promise<void> {
  await benchRecords(report, corpus)
  await benchLargeValues(report, corpus)
  await benchMemoryHeld(report, corpus)
  await benchDisk(report, corpus)
}

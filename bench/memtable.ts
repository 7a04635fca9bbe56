import type { Report } from './harness/report.js'
import { benchMemoryOfEntry } from './memtable/memory.js'
import { benchOrdering } from './memtable/ordering.js'
import { benchPutIterate } from './memtable/put-iterate.js'
import { benchTable } from './memtable/table.js'

/** Measures the MemTable beside a bare Map, and what iterators do to it while a store is written to. */
export async function benchMemTable(report: Report, corpus?: string): Promise<void> {
  await benchTable(report, corpus)
  await benchOrdering(report, corpus)
  await benchMemoryOfEntry(report, corpus)
  await benchPutIterate(report, corpus)
}

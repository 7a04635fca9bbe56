import type { Report } from './harness/report.js'
import { benchAllocations } from './wal/allocations.js'
import { benchAppendBars } from './wal/append-bars.js'
import { benchAppendSizes } from './wal/append-sizes.js'
import { benchBatches } from './wal/batches.js'
import { benchBlockSize } from './wal/block-size.js'
import { benchDeletion } from './wal/deletion.js'
import { benchMemory } from './wal/memory.js'
import { benchOpenFrame } from './wal/open-frame.js'
import { benchReads } from './wal/reads.js'
import { benchRecovery } from './wal/recovery.js'
import { benchScan } from './wal/scan.js'
import { benchWriters } from './wal/writers.js'

/** Measures the write-ahead log beside the codec alone and bare file calls. */
export async function benchWal(report: Report, corpus?: string, full = false): Promise<void> {
  await benchAppendBars(report, corpus)
  await benchOpenFrame(report, corpus)
  await benchAppendSizes(report, corpus)
  await benchBatches(report, corpus)
  await benchWriters(report, corpus)
  await benchScan(report, corpus)
  await benchReads(report, corpus, full)
  await benchRecovery(report, corpus)
  await benchDeletion(report, full)
  await benchBlockSize(report, corpus)
  await benchAllocations(report, corpus)
  await benchMemory(report, corpus, full)
}

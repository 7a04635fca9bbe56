import { benchKvEntry } from './codec/kv-entry.js'
import { benchThroughput } from './codec/throughput.js'
import { corpusSets } from './documents/corpus.js'
import type { Report } from './harness/report.js'

/** Measures the codecs alone: no store, no backend, nothing on disk. */
export async function benchCodec(report: Report, corpus?: string): Promise<void> {
  const sets = corpus === undefined ? [] : corpusSets(corpus)
  await benchThroughput(report, corpus)
  await benchKvEntry(
    report,
    sets.filter(({ kind }) => kind === 'tensor')
  )
}

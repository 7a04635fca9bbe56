import type { Report } from './harness/report.js'
import { benchRates } from './small/rates.js'
import { smallSets } from './small/sets.js'
import { benchSizes } from './small/sizes.js'

/** Measures small values with dictionaries beside Snappy's blocks: bytes on disk, and rates. */
export async function benchSmall(report: Report, corpus?: string): Promise<void> {
  const sets = smallSets(corpus)
  if (corpus === undefined)
    report.line('\nValues are JSON records of node_modules. The bars are for the files of a corpus: pass --corpus DIR.')
  await benchSizes(report, sets)
  await benchRates(report, sets.find(({ name }) => name === 'movies.jsonl') ?? sets[0]!)
}

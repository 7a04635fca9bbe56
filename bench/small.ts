import type { Report } from './harness/report.js'
import { benchRates } from './small/rates.js'
import { smallSets } from './small/sets.js'
import { benchSizes } from './small/sizes.js'

/** Small values with dictionaries beside Snappy's blocks: bytes on disk, and rates. */
export async function benchSmall(report: Report, corpus?: string): Promise<void> {
  const sets = smallSets(corpus)
  if (corpus === undefined)
    report.line('\nJSON records of node_modules; the bars are those of the corpus, with --corpus DIR.')
  await benchSizes(report, sets)
  await benchRates(report, sets.find(({ name }) => name === 'movies.jsonl') ?? sets[0]!)
}

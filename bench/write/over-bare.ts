import { median } from '../harness/median.js'
import { countText, ratioText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { BARE, STORE, type WriteContender } from './contenders.js'

/** An operation whose rate is measured, and the least rate of the store over bare. */
interface Operation {
  readonly name: string
  readonly bar: number
}

/** The rates, per second, operation by operation. */
export type Rates = readonly number[]

/** Measures the store with default options beside bare classic-level, and prints a table, and a bar for every operation. */
export async function compareOverBare(
  report: Report,
  benchmark: string,
  rounds: number,
  operations: readonly Operation[],
  run: (contender: WriteContender) => Promise<Rates>
): Promise<void> {
  const [ours, bare] = (await alternate(rounds, [STORE, BARE], run)) as [Rates[], Rates[]]
  const results = operations.map(({ name, bar }, i) => {
    const of = (all: readonly Rates[]) => all.map(rates => rates[i]!)
    const figures = { store: median(of(ours)), bare: median(of(bare)), over: medianQuotient(of(ours), of(bare)) }
    report.record(benchmark, { operation: name, ...figures })
    return { name, bar, ...figures }
  })
  report.line('')
  report.table(
    ['a second', 'store', 'bare', 'store / bare'],
    results.map(({ name, store, bare: ofBare, over }) => [name, countText(store), countText(ofBare), ratioText(over)])
  )
  report.line('')
  for (const { name, over, bar } of results) report.bar(`classic-level, store / bare, ${name}`, over, '>=', bar)
}

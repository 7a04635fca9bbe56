import { MemTable } from 'compressed-kv'
import { median } from '../harness/median.js'
import { countText, ratioText, threeDigits } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { ENTRIES, type Entries, freshly, KEY_BYTES, makeEntries } from './entries.js'

const ROUNDS = 7

/** What one round takes, in ms. */
interface Round {
  readonly total: number
  readonly longestStep: number
}

/** Measures how long it takes to put a frozen table in order, step by step, as it is done before a flush and for an iterator. */
export async function benchOrdering(report: Report, corpus: string | undefined): Promise<void> {
  const entries = makeEntries(corpus)
  report.section(
    `MemTable: ordering ${countText(ENTRIES)} entries`,
    `Keys of ${KEY_BYTES} bytes in random order are put in order for the first time. The event loop may run between two steps.`,
    `${ROUNDS} rounds in turns, medians, in ms; the step is the longest of each round. bare: the keys of a Map in an array, with sort().`
  )
  const [ours, bare] = (await alternate(ROUNDS, [orderTable, orderMap], run => run(entries))) as [Round[], Round[]]
  const totals = ours.map(({ total }) => total)
  const bareTotals = bare.map(({ total }) => total)
  const steps = ours.map(({ longestStep }) => longestStep)
  const over = medianQuotient(totals, bareTotals)
  report.record('memtable ordering', {
    entries: ENTRIES,
    ms: median(totals),
    longestStepMs: median(steps),
    worstStepMs: Math.max(...steps),
    bareMs: median(bareTotals),
    overBare: over
  })
  report.line('')
  report.table(
    ['MemTable ms', 'longest step ms', 'of all rounds', 'bare ms', 'MemTable / bare'],
    [[median(totals), median(steps), Math.max(...steps), median(bareTotals)].map(threeDigits).concat(ratioText(over))]
  )
}

async function orderTable({ keys, values }: Entries): Promise<Round> {
  const table = new MemTable()
  for (const [i, key] of freshly(keys).entries()) table.put(key, values[i]!)
  table.freeze()
  const start = performance.now()
  let last = start
  let longestStep = 0
  const stepIsOver = () => {
    const now = performance.now()
    longestStep = Math.max(longestStep, now - last)
    last = now
    return undefined
  }
  await table.prepareOrder(stepIsOver)
  stepIsOver()
  return { total: last - start, longestStep }
}

async function orderMap({ keys, values }: Entries): Promise<Round> {
  const table = new Map(freshly(keys).map((key, i) => [key, values[i]!]))
  const start = performance.now()
  const names = [...table.keys()].sort()
  const total = performance.now() - start
  if (names.length !== ENTRIES) throw new Error('Keys were lost')
  return { total, longestStep: total }
}

import { MemTable } from 'compressed-kv'
import { shuffledKeys } from '../harness/keys.js'
import { median } from '../harness/median.js'
import { countText, ratioText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { alternate, medianQuotient } from '../harness/rounds.js'
import { ENTRIES, type Entries, freshly, KEY_BYTES, makeEntries, VALUE_BYTES } from './entries.js'

const ROUNDS = 11
const IN_OTHER_ORDER = shuffledKeys(ENTRIES, 2)
/** The most ns for a call. */
const PUT_BAR = 275
const GET_BAR = 145

/** How many ns one call took. */
interface Round {
  readonly put: number
  readonly get: number
}

interface Load {
  readonly put: readonly string[]
  readonly get: readonly string[]
  readonly values: readonly Buffer[]
}

/** How keys are given. The bars are for the first kind, which is the cheapest for any Map. */
const KINDS = [
  { name: 'the same strings, gets in the order of puts', hasBars: true, load: sameStrings },
  { name: 'new strings, gets in another order', hasBars: false, load: newStrings }
] as const

/** Measures what a put and a get cost in a table alone. */
export async function benchTable(report: Report, corpus: string | undefined): Promise<void> {
  const entries = makeEntries(corpus)
  report.section(
    `MemTable: put and get, ${countText(ENTRIES)} entries of ${VALUE_BYTES} bytes`,
    `Text keys of ${KEY_BYTES} bytes in random order. ns for one call; a new table in each round, ${ROUNDS} rounds in turns: medians, and in brackets`,
    'the best, which a busy machine changes less. Map: set and get of a bare Map. The same strings: each round uses those of the round',
    'before, which know their hashes. New strings: like keys that have just arrived; their hashes have to be computed, and gets in another',
    'order miss the caches of the processor.'
  )
  const rows: string[][] = []
  const bars: (() => void)[] = []
  for (const { name, hasBars, load } of KINDS) {
    const contenders = [memTableRound, mapRound]
    await alternate(2, contenders, async run => run(load(entries))) // Code is slow when it runs for the first time.
    const [table, map] = (await alternate(ROUNDS, contenders, async run => run(load(entries)))) as [Round[], Round[]]
    for (const [what, bar] of [
      ['put', PUT_BAR],
      ['get', GET_BAR]
    ] as const) {
      const [ours, bare] = [table, map].map(rounds => rounds.map(round => round[what])) as [number[], number[]]
      const figures = {
        ns: median(ours),
        bestNs: Math.min(...ours),
        mapNs: median(bare),
        bestMapNs: Math.min(...bare),
        overMap: medianQuotient(ours, bare)
      }
      const sizes = { entries: ENTRIES, valueBytes: VALUE_BYTES, keyBytes: KEY_BYTES }
      report.record('memtable', { what, keys: name, ...sizes, ...figures })
      rows.push([`${what}, ${name}`, nsText(ours), nsText(bare), ratioText(figures.overMap)])
      if (hasBars) bars.push(() => report.bar(`MemTable ${what}, ns, the same strings`, figures.ns, '<=', bar))
    }
  }
  report.line('')
  report.table(['', 'MemTable ns', 'Map ns', 'MemTable / Map'], rows)
  report.line('')
  for (const print of bars) print()
}

function nsText(rounds: readonly number[]): string {
  return `${countText(median(rounds))} (${countText(Math.min(...rounds))})`
}

function sameStrings({ keys, values }: Entries): Load {
  return { put: keys, get: keys, values }
}

function newStrings({ keys, values }: Entries): Load {
  return { put: freshly(keys), get: freshly(IN_OTHER_ORDER), values }
}

/* The two functions do the same: calls through a common interface would take as long as what is measured. */

function memTableRound({ put, get, values }: Load): Round {
  const table = new MemTable()
  const start = performance.now()
  for (let i = 0; i < put.length; i++) table.put(put[i]!, values[i]!)
  const between = performance.now()
  let found = 0
  for (let i = 0; i < get.length; i++) if (table.get(get[i]!) !== undefined) found++
  return roundOf(start, between, found)
}

function mapRound({ put, get, values }: Load): Round {
  const table = new Map<string, Buffer>()
  const start = performance.now()
  for (let i = 0; i < put.length; i++) table.set(put[i]!, values[i]!)
  const between = performance.now()
  let found = 0
  for (let i = 0; i < get.length; i++) if (table.get(get[i]!) !== undefined) found++
  return roundOf(start, between, found)
}

function roundOf(start: number, between: number, found: number): Round {
  const end = performance.now()
  if (found !== ENTRIES) throw new Error(`${found} entries of ${ENTRIES} were found`)
  return { put: ((between - start) * 1e6) / ENTRIES, get: ((end - between) * 1e6) / ENTRIES }
}

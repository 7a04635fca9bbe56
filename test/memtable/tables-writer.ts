import { MemTable } from '../../src/memtable/memtable.js'
import { type Frozen, type FrozenTable, Tables } from '../../src/memtable/tables.js'
import { contentOf, type Entries, foundOf } from './filled-tables.js'

/** What a record weighs here. */
const WEIGHT = 10

/** Writes into tables as a log does: records count from 1. */
export class TablesWriter {
  readonly tables = new Tables<string>()
  #sequence = 0

  set(entries: Entries): void {
    for (const [name, value] of Object.entries(entries)) this.tables.set(name, foundOf(value), this.#record())
  }

  clear(start: string, end: string | undefined): void {
    this.tables.clear({ start, end }, this.#record())
  }

  #record(): { sequence: number; weight: number } {
    return { sequence: ++this.#sequence, weight: WEIGHT }
  }
}

/** What a frozen item is, or some that are flushed together, in a form that can be compared. */
export function summary(items: Frozen<string> | readonly Frozen<string>[]): object | undefined {
  const [first, ...others] = Array.isArray(items) ? (items as Frozen<string>[]) : [items as Frozen<string>]
  if (first === undefined) return undefined
  const { sequence } = others.at(-1) ?? first
  const weight = others.reduce((sum, item) => sum + item.weight, first.weight)
  if ('clear' in first) return { clears: [first.clear.start, first.clear.end], sequence, weight }
  const table = (others as FrozenTable<string>[]).reduce((sum, item) => MemTable.merged(sum, item.table), first.table)
  return { has: Object.fromEntries(contentOf(table)), sequence, weight }
}

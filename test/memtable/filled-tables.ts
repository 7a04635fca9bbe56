import { type Kept, MemTable, TOMBSTONE } from '../../src/memtable/memtable.js'
import type { RangeTombstone } from '../../src/memtable/range-tombstone.js'
import type { Frozen } from '../../src/memtable/tables.js'
import { seededRandom } from '../support/seeded-random.js'

/** Texts under keys; null for a key that was deleted. */
export type Entries = Readonly<Record<string, string | null>>

/** A table whose values are texts: the store's are no bytes either. */
export function tableOf(entries: Entries): MemTable<string> {
  const table = new MemTable<string>()
  for (const [name, value] of Object.entries(entries)) table.set(name, foundOf(value))
  return table
}

export function foundOf(value: string | null): Kept<string> {
  return value ?? TOMBSTONE
}

/** What a table has, in order. */
export function contentOf(table: MemTable<string>): [name: string, value: string | null][] {
  return Array.from(table.entries(), ([key, value]) => [key.toString('latin1'), value ?? null])
}

/** Items as {@link Tables} keeps them, oldest first; the n-th is of record n. */
export function frozenOf(items: readonly (Entries | RangeTombstone)[]): Frozen<string>[] {
  return items.map((item, i) => {
    const weighed = { firstSequence: i + 1, sequence: i + 1, weight: 1 }
    if (isRange(item)) return { clear: item, ...weighed }
    const table = tableOf(item)
    table.freeze()
    return { table, ...weighed }
  })
}

function isRange(item: Entries | RangeTombstone): item is RangeTombstone {
  return 'start' in item
}

/** So many names in no order, all different, the same ones for the same seed. */
export function shuffledNames(count: number, seed = 1): string[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, i) => `${Math.floor(random() * 1e6).toString(36)}/${i}`)
}

/** Whether a table has nothing left to put in order: one that is made of it has neither. */
export function isInOrder<T extends { readonly length: number }>(table: MemTable<T>): boolean {
  let steps = 0
  const merged = MemTable.merged(table, new MemTable<T>())
  merged.freeze()
  void merged.prepareOrder(() => {
    steps++
    return undefined
  })
  return steps === 0
}

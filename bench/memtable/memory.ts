import { countText } from '../harness/number-text.js'
import type { Report } from '../harness/report.js'
import { askChild } from '../wal/child.js'
import { ENTRIES, KEY_BYTES, VALUE_BYTES } from './entries.js'
import type { EntryMemoryReply, EntryMemoryRequest } from './memory-child.js'

const CHILD = new URL('./memory-child.js', import.meta.url)

/** Measures the memory that an entry takes. */
export async function benchMemoryOfEntry(report: Report, corpus: string | undefined): Promise<void> {
  report.section(
    `MemTable: memory an entry takes, ${countText(ENTRIES)} of them`,
    `By how much the heap and the memory of Buffers have grown after garbage collection, in bytes per entry; each line from a process of its own.`,
    `table: without keys and values. all: with keys of ${KEY_BYTES} bytes and values of ${VALUE_BYTES} bytes, which are copies in pieces of larger`,
    `Buffers. ordered: what is added when the entries are in order.`
  )
  const rows: string[][] = []
  for (const contender of ['MemTable', 'Map'] as const) {
    const request: EntryMemoryRequest = { contender, corpus: corpus ?? null }
    const { table, all, ordered } = await askChild<EntryMemoryReply>(CHILD, ['--expose-gc'], request)
    report.record('memtable memory', { contender, entries: ENTRIES, table, all, ordered })
    rows.push([contender, countText(table), countText(all), contender === 'Map' ? '-' : countText(ordered)])
  }
  report.line('')
  report.table(['', 'table', 'all', 'ordered'], rows)
}

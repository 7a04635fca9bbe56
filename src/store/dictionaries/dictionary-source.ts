import type { Codec } from '../../codec/codec.js'
import { TOMBSTONE } from '../../memtable/memtable.js'
import type { Overlay } from '../../memtable/overlay.js'
import type { TableValue } from '../table-value.js'
import type { SmallValues } from './small-values.js'

/** The entries of tables, in the order of keys. Every call begins with the first again. */
export type TableEntries = () => Promise<Overlay<TableValue>>

/** Where the store's dictionary comes from. */
export interface DictionarySource {
  /**
   * Call before a small value is sealed.
   *
   * @returns what has to be awaited first, if anything; never rejects
   */
  begin(): Promise<void> | undefined
  /** Call with every small value that is sealed. */
  note(key: Buffer, value: Buffer, codec: Codec): void
  /**
   * Call when tables are about to be sealed, and await it. Never rejects.
   *
   * @param weight the most bytes that their values may have
   */
  prepare(weight: number, entries: TableEntries): Promise<void>
  /** Resolves when no dictionary is being made. */
  idle(): Promise<void>
  /** Stores nothing from now on. Resolves when nothing is being stored any more. */
  stop(): Promise<void>
}

/** The value at the head of entries, if it is small and not sealed yet. */
export function smallValueAt({ head }: Overlay<TableValue>, small: SmallValues): TableValue | undefined {
  if (head === undefined || head.found === TOMBSTONE || head.found.sealed) return undefined
  return small.has(head.found.codec, head.found.length) ? head.found : undefined
}

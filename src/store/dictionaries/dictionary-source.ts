import type { Codec } from '../../codec/codec.js'
import { TOMBSTONE } from '../../memtable/memtable.js'
import type { Overlay } from '../../memtable/overlay.js'
import type { TableValue } from '../table-value.js'
import type { SmallValues } from './small-values.js'

/** What tables hold, in the order of keys; from the beginning with every call. */
export type TableEntries = () => Promise<Overlay<TableValue>>

/** Where the store's dictionary comes from. */
export interface DictionarySource {
  /**
   * Call before a small value is sealed.
   *
   * @returns what has to be awaited first, if anything; never rejects
   */
  begin(): Promise<void> | undefined
  /** A small value is sealed. */
  note(key: Buffer, value: Buffer, codec: Codec): void
  /**
   * Tables are about to be sealed. Never rejects.
   *
   * @param weight bytes of their values, at most
   */
  prepare(weight: number, entries: TableEntries): Promise<void>
  /** Resolves when no dictionary is being made. */
  idle(): Promise<void>
  /** Stores nothing any more; resolves when nothing is being stored. */
  stop(): Promise<void>
}

/** The value at the head of entries, if it is a small one that is to be sealed. */
export function smallValueAt({ head }: Overlay<TableValue>, small: SmallValues): TableValue | undefined {
  if (head === undefined || head.found === TOMBSTONE || head.found.sealed) return undefined
  return small.has(head.found.codec, head.found.length) ? head.found : undefined
}

import type { MemTableSettings } from './options/memtable-options.js'

/*
 * What is counted, in bytes, of what is logged and not yet in the backend. `memtable.maxBytes` bounds the sum.
 */

/** What JavaScript needs to remember a key, roughly. */
const ENTRY_BYTES = 150

/** Deleted ranges that may wait for the backend: each read looks at them, and they keep tables from being merged. */
export const MAX_CLEARS = 64
const MAX_CLEAR_WEIGHT = 1024 * 1024

/** The weight of a put or del. */
export function weightOf(keyBytes: number, valueBytes = 0): number {
  return ENTRY_BYTES + keyBytes + valueBytes
}

/** The weight of a deleted range: as much as lets no more than {@link MAX_CLEARS} have room. */
export function clearWeight({ maxBytes }: Pick<MemTableSettings, 'maxBytes'>): number {
  return Math.max(1, Math.min(Math.ceil(maxBytes / MAX_CLEARS), MAX_CLEAR_WEIGHT))
}

import type { MemTableSettings } from './options/memtable-options.js'

/*
 * Weights, in bytes, of what is logged and not yet in the backend. `memtable.maxBytes` bounds their sum.
 */

/** About how many bytes JavaScript needs for an entry, beside its key and value. */
const ENTRY_BYTES = 150

/** How many deleted ranges may wait for the backend: each read looks at all of them, and they keep tables from being merged. */
export const MAX_CLEARS = 64

/** The weight of a put or del. */
export function weightOf(keyBytes: number, valueBytes = 0): number {
  return ENTRY_BYTES + keyBytes + valueBytes
}

/** The weight of a deleted range: so large that no more than {@link MAX_CLEARS} of them have room. */
export function clearWeight({ maxBytes }: Pick<MemTableSettings, 'maxBytes'>): number {
  return Math.max(1, Math.ceil(maxBytes / MAX_CLEARS))
}

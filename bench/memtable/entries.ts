import { cut, jsonSource } from '../documents/pieces.js'
import { shuffledKeys } from '../harness/keys.js'

export const ENTRIES = 100_000
export const VALUE_BYTES = 100
export const KEY_BYTES = 16

export interface Entries {
  readonly keys: readonly string[]
  readonly values: readonly Buffer[]
}

/** Keys in random order, and as many values, of which some are the same Buffer. */
export function makeEntries(corpus: string | undefined): Entries {
  const pieces = cut(jsonSource(corpus), VALUE_BYTES)
  const keys = freshly(shuffledKeys(ENTRIES, 1)) // A string that was put together from others is a tree, which takes longer to read.
  return { keys, values: keys.map((_, i) => pieces[i % pieces.length]!) }
}

/** The same texts as new strings, whose hashes have not been computed yet, as with keys that have just arrived. */
export function freshly(keys: readonly string[]): string[] {
  return keys.map(key => Buffer.from(key, 'latin1').toString('latin1'))
}

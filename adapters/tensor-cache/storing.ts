import type { Codec } from 'compressed-kv'
import type { Entry } from './entry-index.js'
import type { EntryRecord } from './entry-record.js'
import type { EntryId } from './keys.js'

/** What is known of an entry before it is stored. */
export type Facts = Pick<EntryRecord, 'model' | 'name' | 'shape' | 'tokens'>

/** How an entry is stored; see `TensorSpace.write`. */
export interface WriteSettings {
  readonly keep?: boolean
  readonly spared?: ReadonlySet<EntryId>
  readonly next?: Entry | undefined
}

/** An entry for which there is room. */
export interface Storing {
  readonly id: EntryId
  readonly record: EntryRecord
  readonly values: readonly Buffer[]
  readonly codec: Codec
  /** The bytes that it takes beside the stored values. */
  readonly overhead: number
  /** Room taken for it, beyond that of the entry it replaces. */
  readonly room: number
  /** The entry that counts as used just after it. */
  readonly next: Entry | undefined
}

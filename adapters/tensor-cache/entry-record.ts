import type { EntryId, EntryKeys } from './keys.js'

/** What the index keeps of a chunk or a tensor, as JSON, so that `ckv get` shows it. */
export interface EntryRecord {
  /** For people to read: of the model, keys have only the namespace, which is a hash. */
  readonly model: string
  /** The bytes that it takes. Until the exact size is known and written, the most that it can take. */
  readonly bytes: number
  /** When it was last used, in ms since 1970, changed a little where needed so that no two entries have the same: larger is later. */
  readonly used: number
  /** How many values are stored for it: the layers of a chunk, 1 for a tensor. */
  readonly values: number
  /** The name and shape of a tensor that has a name. */
  readonly name?: string
  readonly shape?: readonly number[]
  /** The positions of a chunk's tokens in the sequence, `end` exclusive. */
  readonly tokens?: readonly [start: number, end: number]
}

/** The most bytes that an envelope adds to a value, be it a record of the index or a layer. */
const TRAILER_BYTES = 64
/** The most bytes by which a stored value grows when a sweep notes in its envelope that compressing it does not pay, and adds a checksum. */
const SWEPT_BYTES = 8

/** The most bytes that an entry can take beside its stored values. */
export function overheadBytes(keys: EntryKeys, id: EntryId, record: EntryRecord): number {
  const [firstKey = ''] = keys.data(id, 1)
  const longest = { ...record, bytes: Number.MAX_SAFE_INTEGER, used: Number.MAX_SAFE_INTEGER }
  return keys.index(id).length + Buffer.byteLength(textOf(longest)) + TRAILER_BYTES + record.values * firstKey.length
}

/** The most bytes that a value of this many bytes takes when stored: raw, with a trailer. */
export function mostStoredBytes(bytes: number): number {
  return bytes + TRAILER_BYTES
}

/** The most bytes that an entry can take if its values took `stored` bytes when they were written. */
export function settledBytes(overhead: number, stored: number, values: number): number {
  return overhead + stored + values * SWEPT_BYTES
}

export function textOf(record: EntryRecord): string {
  return JSON.stringify(record)
}

/** @returns undefined if the text is no record */
export function recordIn(text: string): EntryRecord | undefined {
  let record: Partial<EntryRecord> | null
  try {
    record = JSON.parse(text) as Partial<EntryRecord> | null
  } catch {
    return undefined
  }
  const { bytes, used, values, shape } = record ?? {}
  const isSound = [bytes, used, values].every(number => Number.isSafeInteger(number) && number! >= 0)
  if (!isSound || values === 0 || values! > 0xffff || (shape !== undefined && !Array.isArray(shape))) return undefined
  return record as EntryRecord
}

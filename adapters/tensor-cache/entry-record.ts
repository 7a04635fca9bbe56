import type { EntryId, EntryKeys } from './keys.js'

/** What the index keeps of a chunk or a tensor: JSON, so that `ckv get` shows it. */
export interface EntryRecord {
  /** For people. The keys have the namespace. */
  readonly model: string
  /** What it takes; until the exact size is written behind it, the most that it can take. */
  readonly bytes: number
  /** When it was used last, in ms since 1970, made unique: larger is later. */
  readonly used: number
  /** Values stored for it: layers of a chunk, 1 for a tensor. */
  readonly values: number
  /** Of a tensor with a name. */
  readonly name?: string
  readonly shape?: readonly number[]
  /** Of a chunk: where its tokens stand. */
  readonly tokens?: readonly [start: number, end: number]
}

/** For people and for this file alone: what an index takes beside its key and text, and a layer beside its key and value. */
const TRAILER_BYTES = 64

/** The most that an entry can take beside what its values do when they are stored. */
export function overheadBytes(keys: EntryKeys, id: EntryId, record: EntryRecord): number {
  const [firstKey = ''] = keys.data(id, 1)
  const longest = { ...record, bytes: Number.MAX_SAFE_INTEGER, used: Number.MAX_SAFE_INTEGER }
  return keys.index(id).length + Buffer.byteLength(textOf(longest)) + TRAILER_BYTES + record.values * firstKey.length
}

/** The most that a value of this many bytes takes as it is stored: raw, with a trailer. */
export function mostStoredBytes(bytes: number): number {
  return bytes + TRAILER_BYTES
}

export function textOf(record: EntryRecord): string {
  return JSON.stringify(record)
}

/** undefined for what is no such record. */
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

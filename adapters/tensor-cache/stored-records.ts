import { CompressedKvError } from 'compressed-kv'
import { ENCODINGS, type TensorBackingStore } from './backing-store.js'
import { type EntryRecord, recordIn } from './entry-record.js'
import type { EntryId, EntryKeys } from './keys.js'

/** What the index has. */
interface StoredRecords {
  readonly records: ReadonlyMap<EntryId, EntryRecord>
  /** Ids of entries whose records are damaged, or none. */
  readonly unreadable: readonly EntryId[]
}

/** Reads the index. One record that is damaged must not keep all others from being read. */
export async function readRecords(db: TensorBackingStore, keys: EntryKeys): Promise<StoredRecords> {
  const records = new Map<EntryId, EntryRecord>()
  const iterator = db.iterator({ ...keys.indexRange, ...ENCODINGS.text })
  let isWhole = true
  try {
    for (;;) {
      try {
        const found = await iterator.next()
        if (found === undefined) break
        const record = recordIn(found[1])
        if (record === undefined) isWhole = false
        else records.set(keys.idOf(found[0]), record)
      } catch (error) {
        // The iterator goes on after it. An error of the backend is another: it may come again and again.
        if (!(error instanceof CompressedKvError && error.code === 'LEVEL_CORRUPTION')) throw error
        isWhole = false
      }
    }
  } finally {
    await iterator.close()
  }
  return { records, unreadable: isWhole ? [] : await idsBeside(records, db, keys) }
}

/** Ids in the index without a record that can be read: of one that is damaged an iterator does not give the key. */
async function idsBeside(
  records: ReadonlyMap<EntryId, EntryRecord>,
  db: TensorBackingStore,
  keys: EntryKeys
): Promise<EntryId[]> {
  const ids: EntryId[] = []
  for await (const key of db.keys({ ...keys.indexRange, keyEncoding: 'utf8' })) ids.push(keys.idOf(key))
  return ids.filter(id => !records.has(id))
}

import { CompressedKvError } from 'compressed-kv'
import { ENCODINGS, type TensorBackingStore } from './backing-store.js'
import { type EntryRecord, recordIn } from './entry-record.js'
import type { EntryId, EntryKeys } from './keys.js'

/** What was found in the index. */
interface StoredRecords {
  readonly records: ReadonlyMap<EntryId, EntryRecord>
  /** Ids of entries with a value that is damaged, or is no record. */
  readonly unreadable: readonly EntryId[]
}

/** Reads the index. A damaged record must not keep all others from being read. */
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
        // After a damaged value the iterator goes on to the next. Another error may come again and again.
        if (!(error instanceof CompressedKvError && error.code === 'LEVEL_CORRUPTION')) throw error
        isWhole = false
      }
    }
  } finally {
    await iterator.close()
  }
  return { records, unreadable: isWhole ? [] : await idsBeside(records, db, keys) }
}

/** Ids in the index that are not in `records`. Keys are read for this, since an iterator does not give the key of a damaged value. */
async function idsBeside(
  records: ReadonlyMap<EntryId, EntryRecord>,
  db: TensorBackingStore,
  keys: EntryKeys
): Promise<EntryId[]> {
  const ids: EntryId[] = []
  for await (const key of db.keys({ ...keys.indexRange, keyEncoding: 'utf8' })) ids.push(keys.idOf(key))
  return ids.filter(id => !records.has(id))
}

import type { AbstractIterator } from 'abstract-level'
import type { AnyLevel } from '../backend/any-level.js'
import { asBuffer, AS_BYTES, KEY_AS_BYTES } from '../backend/as-bytes.js'
import { type KeyRange, LAST_KEY } from '../backend/key-range.js'
import { aroundReserved } from '../backend/reserved-keys.js'

/** How many entries are fetched together: few, since values may be large. */
const FETCH_ENTRIES = 32
/** How many bytes LevelDB fetches together. With its default of 16 KiB, going through values of 1 KiB takes twice as long. */
const FETCH_BYTES = 64 * 1024

/** A key of a backend, and what is stored under it. */
export type RawEntry = readonly [key: Buffer, stored: Buffer]

/**
 * Keys and values of a backend in a range as they are stored, in order, without reserved keys. They may share memory with the backend.
 *
 * @throws errors of the backend, even if the consumer stops early: LevelDB skips a block that it cannot read, and reports it only at the end
 */
export async function* rawEntries(backend: AnyLevel, range: KeyRange): AsyncGenerator<RawEntry, void, undefined> {
  for (const part of aroundReserved(range)) {
    const { lt, lte: end = lt, ...from } = part
    const upTo = end === undefined ? {} : { lte: end } // Also with `lt`, so that the iterator can seek to the end; that key is left out below.
    const options = { ...from, ...upTo, ...AS_BYTES, fillCache: false, highWaterMarkBytes: FETCH_BYTES }
    const iterator = backend.iterator<Buffer, Uint8Array>(options as object)
    let isWithConsumer = false
    try {
      for (;;) {
        const fetched = await iterator.nextv(FETCH_ENTRIES)
        if (fetched.length === 0) break
        if (lt !== undefined && Buffer.compare(fetched.at(-1)![0], lt) === 0) fetched.pop()
        isWithConsumer = true
        for (const [key, stored] of fetched) yield [asBuffer(key), asBuffer(stored)]
        isWithConsumer = false
      }
    } finally {
      try {
        if (isWithConsumer && backend.supports.seek) await goToEnd(iterator, end)
      } finally {
        await iterator.close()
      }
    }
  }
}

/**
 * At its end an iterator throws if it has skipped something. To get there it seeks to the last key of its range. To seek to a key outside its
 * range, or after all keys, classic-level would walk from the end of the database, on the calling thread, past everything that was overwritten
 * or deleted there.
 */
async function goToEnd(
  iterator: AbstractIterator<AnyLevel, Buffer, Uint8Array>,
  end: Buffer = LAST_KEY
): Promise<void> {
  iterator.seek(end, KEY_AS_BYTES)
  await iterator.nextv(2) // The key itself may be there; after it comes the end.
}

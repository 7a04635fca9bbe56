import type { AnyLevel } from '../any-level.js'
import { asBuffer, AS_BYTES } from '../as-bytes.js'
import type { KeyRange } from '../key-range.js'
import { aroundReserved } from '../reserved-keys.js'

/** Entries that are fetched together; few, as values may be large. */
const FETCH_ENTRIES = 32
/** Bytes that LevelDB fetches together: with its default of 16 KiB, going through values of 1 KiB takes twice as long. */
const FETCH_BYTES = 64 * 1024

/** A key of a backend, and what is stored under it. */
export type RawEntry = readonly [key: Buffer, stored: Buffer]

/** Keys and values of a backend in a range as they are stored, in order, without reserved keys. They may share memory with the backend. */
export async function* rawEntries(backend: AnyLevel, range: KeyRange): AsyncGenerator<RawEntry, void, undefined> {
  for (const part of aroundReserved(range)) {
    const options = { ...part, ...AS_BYTES, fillCache: false, highWaterMarkBytes: FETCH_BYTES }
    const iterator = backend.iterator<Buffer, Uint8Array>(options as object)
    try {
      for (;;) {
        const fetched = await iterator.nextv(FETCH_ENTRIES)
        if (fetched.length === 0) break
        for (const [key, stored] of fetched) yield [asBuffer(key), asBuffer(stored)]
      }
    } finally {
      await iterator.close()
    }
  }
}

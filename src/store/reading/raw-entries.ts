import type { AbstractIterator } from 'abstract-level'
import type { AnyLevel } from '../any-level.js'
import { asBuffer, AS_BYTES, KEY_AS_BYTES } from '../as-bytes.js'
import type { KeyRange } from '../key-range.js'
import { aroundReserved } from '../reserved-keys.js'

/** Entries that are fetched together; few, as values may be large. */
const FETCH_ENTRIES = 32
/** Bytes that LevelDB fetches together: with its default of 16 KiB, going through values of 1 KiB takes twice as long. */
const FETCH_BYTES = 64 * 1024

/** A key of a backend, and what is stored under it. */
export type RawEntry = readonly [key: Buffer, stored: Buffer]

/**
 * Keys and values of a backend in a range as they are stored, in order, without reserved keys. They may share memory with the backend.
 *
 * @throws errors of the backend, also where the consumer stops early: LevelDB passes over a block that it cannot read, and says so only at the end
 */
export async function* rawEntries(backend: AnyLevel, range: KeyRange): AsyncGenerator<RawEntry, void, undefined> {
  for (const part of aroundReserved(range)) {
    const options = { ...part, ...AS_BYTES, fillCache: false, highWaterMarkBytes: FETCH_BYTES }
    const iterator = backend.iterator<Buffer, Uint8Array>(options as object)
    let isWithConsumer = false
    try {
      for (;;) {
        const fetched = await iterator.nextv(FETCH_ENTRIES)
        if (fetched.length === 0) break
        isWithConsumer = true
        for (const [key, stored] of fetched) yield [asBuffer(key), asBuffer(stored)]
        isWithConsumer = false
      }
    } finally {
      try {
        if (isWithConsumer && backend.supports.seek) await goToEnd(iterator, part)
      } finally {
        await iterator.close()
      }
    }
  }
}

/** Where a range has no end: greater than any key that is likely. */
const LAST_KEY = Buffer.alloc(64, 0xff)

/** At its end an iterator throws for what it has passed over. */
async function goToEnd(iterator: AbstractIterator<AnyLevel, Buffer, Uint8Array>, { lt, lte }: KeyRange): Promise<void> {
  iterator.seek(lt ?? (lte && Buffer.concat([lte, Buffer.of(0)])) ?? LAST_KEY, KEY_AS_BYTES)
  await iterator.nextv(1)
}

import type { Document, DocumentSet } from '../../bench/documents/document.js'
import { countText } from '../../bench/harness/number-text.js'
import { openStore } from './contenders.js'
import { verifyAll } from './verify.js'

/** How many values are rewritten under new keys with the other codec. */
const NEW_VALUES = 100

/**
 * Opens a database that was written with LZ4, now with zstd as its codec, writes to it, and reads old and new values.
 *
 * @returns what happened, for people
 * @throws Error if a value comes back different
 */
export async function swapCodec(location: string, set: DocumentSet): Promise<string> {
  const added: Document[] = set.documents
    .slice(0, NEW_VALUES)
    .map(({ key, value }) => ({ key: `${key}, once more`, value }))

  const store = await openStore(location, 'zstd')
  try {
    for (const { key, value } of added) await store.put(key, value)
    await store.flush()
    await verifyAll(store, set.documents, `${set.name}, written with LZ4, read with zstd`)
    await verifyAll(store, added, `${set.name}, written with zstd beside LZ4`)
    const { byCodec } = store.stats().written
    return (
      `Codec swap: opened the LZ4 database of '${set.name}' with zstd and wrote ${countText(added.length)} more values ` +
      `(${countText(byCodec['zstd']?.values ?? 0)} of them as Zstd).\n` +
      `Both readable: ${countText(set.documents.length)} old and ${countText(added.length)} new values are as they were written.`
    )
  } finally {
    await store.close()
  }
}

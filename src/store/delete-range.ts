import type { AnyLevel } from './backend/any-level.js'
import { asBuffer, AS_BYTES, KEY_AS_BYTES, KEY_AS_BYTES_SYNCED } from './backend/as-bytes.js'
import { type HalfOpenRange, keyRangeOf, type KeySelection } from './backend/key-range.js'
import { aroundReserved, isReserved } from './backend/reserved-keys.js'
import { backendSnapshotOf } from './reading/snapshot.js'
import type { Unsealer } from './reading/unsealer.js'

/** The most keys that one batch of the backend deletes. */
export const CHUNK_OPERATIONS = 1000

export type Deletion = { readonly type: 'del'; readonly key: Buffer }

/**
 * Deletes ranges, reserved keys excepted.
 *
 * @param synced whether it has to be on stable storage: then keys are deleted one by one, since classic-level cannot sync a clear. The keys of small
 *   ranges go in one batch, since each batch is an fsync
 */
export async function deleteRanges(
  backend: AnyLevel,
  ranges: readonly HalfOpenRange[],
  synced: boolean
): Promise<void> {
  let deletions: Deletion[] = []
  for (const part of ranges.flatMap(range => aroundReserved(keyRangeOf(range)))) {
    if (!synced) {
      await backend.clear({ ...part, ...KEY_AS_BYTES })
      continue
    }
    for await (const chunk of deletionsIn(backend, { ...part, reverse: false, limit: -1 }, undefined)) {
      if (deletions.length + chunk.length > CHUNK_OPERATIONS) {
        await backend.batch(deletions, KEY_AS_BYTES_SYNCED)
        deletions = []
      }
      deletions.push(...chunk)
    }
  }
  if (deletions.length > 0) await backend.batch(deletions, KEY_AS_BYTES_SYNCED)
}

/**
 * The keys of a selection, a chunk at a time, reserved ones excepted.
 *
 * @param expiring given if values may have expired: entries that have do not count in the limit
 */
export async function* deletionsIn(
  backend: AnyLevel,
  { limit, reverse, snapshot, ...range }: KeySelection,
  expiring: Unsealer | undefined
): AsyncGenerator<Deletion[], void, undefined> {
  if (limit === 0) return
  const entries = backend.iterator<Buffer, Uint8Array | undefined>({
    ...range,
    reverse,
    limit: -1,
    ...AS_BYTES,
    values: expiring !== undefined,
    snapshot: backendSnapshotOf(snapshot, backend)
  } as object)
  let chunk: Deletion[] = []
  let left = limit === -1 ? Infinity : limit
  /** No more than are needed: to find the second, next() would have LevelDB fetch a thousand. */
  let most = left
  try {
    while (left > 0) {
      const fetched = await entries.nextv(Math.min(most, CHUNK_OPERATIONS))
      if (fetched.length === 0) break
      most = left - fetched.length
      for (const [key, value] of fetched) {
        if (left === 0) break
        if (isReserved(key)) continue
        if (value === undefined || expiring === undefined || expiring.isVisible(value)) left--
        else if (snapshot !== undefined) continue // An entry that has expired in a snapshot may have been written again since.
        chunk.push({ type: 'del', key: asBuffer(key) })
        if (chunk.length < CHUNK_OPERATIONS) continue
        yield chunk
        chunk = []
      }
      if (left > most) most = Infinity // Where some do not count, many more may not, and each fetch is a trip to another thread.
    }
  } finally {
    await entries.close()
  }
  if (chunk.length > 0) yield chunk
}

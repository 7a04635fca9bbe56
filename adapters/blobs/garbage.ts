import { asErrorOfCall } from '../errors.js'
import { type BytesLevel, type DelOperation, keepsOrder } from './bytes-level.js'
import { ALL_GARBAGE, chunkRange, garbageKey, type Generation, generationIn, nameOf } from './keys.js'
import type { Space } from './space.js'

/** How many keys of chunks are listed and deleted at a time. */
const MAX_KEYS = 1000

/**
 * Deletes the chunks of a generation, and then its garbage entry. If interrupted, it can be repeated.
 *
 * @param failed keys of more chunks to delete, which a listing may not show
 */
export async function discard(
  level: BytesLevel,
  generation: Generation,
  failed: readonly Buffer[] = []
): Promise<void> {
  const sync = !keepsOrder(level)
  for (;;) {
    const keys = await level.keys({ ...chunkRange(generation), limit: MAX_KEYS }).all()
    const operations = [...failed, ...keys].map((key): DelOperation => ({ type: 'del', key }))
    const isLast = keys.length < MAX_KEYS
    if (isLast) operations.push({ type: 'del', key: garbageKey(generation) })
    await level.batch(operations, { sync })
    if (isLast) return
  }
}

/**
 * Deletes generations that were left by a crash, or because deleting them failed.
 *
 * @param limit the most generations to examine
 * @returns how many were deleted, and whether all were examined
 */
export async function discardOrphans(
  level: BytesLevel,
  { live, hidden }: Space,
  limit = Infinity
): Promise<{ discarded: number; all: boolean }> {
  let seen = 0
  let discarded = 0
  try {
    for await (const key of level.keys({ ...ALL_GARBAGE, ...(limit === Infinity ? {} : { limit }) })) {
      seen++
      const generation = generationIn(key)
      // The scan shows the entries of when it began. If the generation was published since, it is no longer live, but its entry is gone. During the
      // look-up it may have found a reader and been replaced: then its entry is there again, but the reader needs its chunks.
      if (live.isLive(generation) || !(await level.has(key)) || live.isLive(generation)) continue
      await discard(level, generation, hidden.get(nameOf(generation)))
      hidden.delete(nameOf(generation))
      discarded++
    }
  } catch (error) {
    throw asErrorOfCall(error)
  }
  return { discarded, all: seen < limit }
}

import type { AnyLevel } from './any-level.js'
import { KEY_AS_BYTES } from './as-bytes.js'
import { LAST_KEY } from './key-range.js'

/**
 * Frees the disk space of values that were rewritten or deleted, if the backend can do that: LevelDB keeps them until it compacts. Everything is
 * compacted, and not only from the first key to the last, since what was deleted before and after those takes space as well.
 */
export async function compactBackend(given: AnyLevel): Promise<void> {
  const backend = given as AnyLevel & {
    compactRange?(start: Buffer, end: Buffer, options: typeof KEY_AS_BYTES): Promise<void>
  }
  if (typeof backend.compactRange === 'function') await backend.compactRange(Buffer.alloc(0), LAST_KEY, KEY_AS_BYTES)
}

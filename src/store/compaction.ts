import type { AnyLevel } from './any-level.js'
import { KEY_AS_BYTES } from './as-bytes.js'

/** Frees the disk space of values that were rewritten, where the backend can do that: LevelDB keeps them until it compacts. */
export async function compactBackend(given: AnyLevel): Promise<void> {
  const backend = given as AnyLevel & {
    compactRange?(start: Buffer, end: Buffer, options: typeof KEY_AS_BYTES): Promise<void>
  }
  if (typeof backend.compactRange !== 'function') return
  const [first] = await backend.keys<Buffer>({ ...KEY_AS_BYTES, limit: 1 }).all()
  const [last] = await backend.keys<Buffer>({ ...KEY_AS_BYTES, limit: 1, reverse: true }).all()
  if (first !== undefined && last !== undefined) await backend.compactRange(first, last, KEY_AS_BYTES)
}

import type { AnyLevel } from '../backend/any-level.js'
import { type BackendOperation, writeToBackend } from '../backend/backend-write.js'
import type { TouchedKeys } from './touched-keys.js'

/** How many operations are handed over in one turn of the event loop: few, so that a sweep does not delay other calls. */
const TURN_OPERATIONS = 64

/**
 * Writes those operations, synced, whose keys were not touched. Call while nothing else is written to the backend.
 *
 * @returns for each operation whether it was written
 */
export async function rewriteUntouched(
  backend: AnyLevel,
  operations: readonly BackendOperation[],
  touched: TouchedKeys,
  counters: { backendCalls: number }
): Promise<boolean[]> {
  const written = touched.untouched(operations.map(({ key }) => key))
  const untouched = operations.filter((_, i) => written[i])
  if (untouched.length === 0) return written
  counters.backendCalls++
  await writeToBackend(backend, untouched, true, TURN_OPERATIONS)
  return written
}

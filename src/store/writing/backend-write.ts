import { keyName } from '../../memtable/key-name.js'
import { nextTurn } from '../../turn.js'
import type { AnyLevel } from '../any-level.js'
import { AS_BYTES, AS_BYTES_SYNCED, KEY_AS_BYTES, KEY_AS_BYTES_SYNCED, SYNCED } from '../as-bytes.js'
import type { TouchedKeys } from './touched-keys.js'

/** What is done to one key of the backend; the value is an envelope. */
export type BackendOperation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer }

/** Operations that are handed over before the event loop has its turn: about a ms of them. */
const MAX_TURN_OPERATIONS = 512
/** Fewer of a sweep's, which stays out of the way of others. */
const MAX_SWEEP_TURN_OPERATIONS = 64

/**
 * Writes operations, all or none.
 *
 * @param sync ask for stable storage
 */
export function writeToBackend(
  backend: AnyLevel,
  operations: readonly BackendOperation[],
  sync: boolean,
  turnOperations = MAX_TURN_OPERATIONS
): Promise<void> {
  if (operations.length === 1) return writeOne(backend, operations[0]!, sync)
  return writeBatch(backend, operations, sync, turnOperations)
}

/**
 * Writes those operations, synced, whose keys were not touched. Call while nothing else is written to the backend.
 *
 * @returns which of them were written
 */
export async function rewriteUntouched(
  backend: AnyLevel,
  operations: readonly BackendOperation[],
  touched: TouchedKeys,
  counters: { backendCalls: number }
): Promise<boolean[]> {
  const written = operations.map(({ key }) => !touched.has(keyName(key)))
  const untouched = operations.filter((_, i) => written[i])
  if (untouched.length === 0) return written
  counters.backendCalls++
  await writeToBackend(backend, untouched, true, MAX_SWEEP_TURN_OPERATIONS)
  return written
}

/** As a chained batch: in classic-level an operation costs a third of what it costs in an array. */
async function writeBatch(
  backend: AnyLevel,
  operations: readonly BackendOperation[],
  sync: boolean,
  turnOperations: number
): Promise<void> {
  const batch = backend.batch()
  try {
    for (const [i, operation] of operations.entries()) {
      if (i % turnOperations === turnOperations - 1) await nextTurn()
      if (operation.type === 'del') batch.del(operation.key, KEY_AS_BYTES)
      else batch.put(operation.key, operation.value, AS_BYTES)
    }
  } catch (error) {
    await batch.close()
    throw error
  }
  return batch.write(sync ? SYNCED : {})
}

function writeOne(backend: AnyLevel, operation: BackendOperation, sync: boolean): Promise<void> {
  if (operation.type === 'del') return backend.del(operation.key, sync ? KEY_AS_BYTES_SYNCED : KEY_AS_BYTES)
  return backend.put(operation.key, operation.value, sync ? AS_BYTES_SYNCED : AS_BYTES)
}

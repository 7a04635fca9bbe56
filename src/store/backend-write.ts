import { nextTurn } from '../turn.js'
import type { AnyLevel } from './any-level.js'
import { AS_BYTES, AS_BYTES_SYNCED, KEY_AS_BYTES, KEY_AS_BYTES_SYNCED, SYNCED } from './as-bytes.js'

/** What is done to one key of the backend; the value is an envelope. */
export type BackendOperation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer }

/** About a ms of them. */
const MAX_TURN_OPERATIONS = 512

/**
 * Writes operations, all or none.
 *
 * @param sync ask for stable storage
 * @param turnOperations how many are handed over before the event loop has its turn
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

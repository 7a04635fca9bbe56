import type { AbstractChainedBatch } from 'abstract-level'
import { nextTurn } from '../../turn.js'
import type { AnyLevel } from './any-level.js'
import { AS_BYTES, AS_BYTES_SYNCED, KEY_AS_BYTES, KEY_AS_BYTES_SYNCED, SYNCED } from './as-bytes.js'

/** What is done to one key of the backend; the value is an envelope. */
export type BackendOperation =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer }

/** How many operations are handed over in one turn of the event loop: that takes about a ms. */
const MAX_TURN_OPERATIONS = 512

/**
 * Writes operations, all or none.
 *
 * @param sync ask for stable storage
 * @param turnOperations how many operations are handed over before the event loop runs
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

async function writeBatch(
  backend: AnyLevel,
  operations: readonly BackendOperation[],
  sync: boolean,
  turnOperations: number
): Promise<void> {
  const batch = new BackendBatch(backend)
  for (const [i, operation] of operations.entries()) {
    if (i % turnOperations === turnOperations - 1) await nextTurn()
    batch.add(operation)
  }
  return batch.write(sync)
}

/**
 * A batch of the backend, which is written completely or not at all. Operations are added one by one, to a chained batch: in classic-level they take a
 * third of the time that they would take in an array.
 */
export class BackendBatch {
  readonly #backend: AnyLevel
  #batch: AbstractChainedBatch<unknown, unknown, unknown> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(backend: AnyLevel) {
    this.#backend = backend
  }

  /** Adds an operation. If the backend refuses it, {@link write} throws the error. */
  add(operation: BackendOperation): void {
    if (this.#failure !== undefined) return
    try {
      const batch = (this.#batch ??= this.#backend.batch())
      if (operation.type === 'del') batch.del(operation.key, KEY_AS_BYTES)
      else batch.put(operation.key, operation.value, AS_BYTES)
    } catch (error) {
      this.#failure = { error }
    }
  }

  /** @param sync ask for stable storage */
  async write(sync: boolean): Promise<void> {
    if (this.#failure === undefined) return this.#batch?.write(sync ? SYNCED : {})
    await this.#batch?.close()
    throw this.#failure.error
  }
}

function writeOne(backend: AnyLevel, operation: BackendOperation, sync: boolean): Promise<void> {
  if (operation.type === 'del') return backend.del(operation.key, sync ? KEY_AS_BYTES_SYNCED : KEY_AS_BYTES)
  return backend.put(operation.key, operation.value, sync ? AS_BYTES_SYNCED : AS_BYTES)
}

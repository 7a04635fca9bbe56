import type { AnyLevel } from '../any-level.js'
import { BackendBatch, type BackendOperation } from '../backend-write.js'
import type { OrderedWrite } from './write-order.js'

/**
 * So much or a little more is written together. Larger ones leave the backend idle while the next values are sealed: with 1000 puts of 1 KiB in
 * flight, batches of 400 make a fifth more puts a second than batches of 1000, and no fewer than batches of 200.
 */
const MAX_GROUP_OPERATIONS = 400
const MAX_GROUP_BYTES = 1024 * 1024

/** One call, from its acceptance until it resolves. */
export interface Entry extends OrderedWrite<BackendOperation> {
  readonly sync: boolean
  /** Runs alone, instead of operations. */
  readonly barrier: (() => Promise<void>) | undefined
  /** Number of its last record in the log. */
  sequence: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Calls that are committed together. */
export class WriteGroup {
  readonly entries: Entry[] = []
  readonly #backend: AnyLevel | undefined
  #batch: BackendBatch | undefined
  #operations = 0
  #bytes = 0

  /** @param backend is handed the operations of several calls as they come; undefined: not before the group is committed */
  constructor(backend: AnyLevel | undefined) {
    this.#backend = backend
  }

  /** What the backend has been handed; undefined: nothing yet. */
  get batch(): BackendBatch | undefined {
    return this.#batch
  }

  hasRoomFor(entry: Entry): boolean {
    if (this.entries.length === 0) return true
    return this.#operations < MAX_GROUP_OPERATIONS && this.#bytes < MAX_GROUP_BYTES && !isAlone(entry)
  }

  add(entry: Entry): void {
    this.entries.push(entry)
    this.#operations += isAlone(entry) ? Infinity : entry.operations.length
    for (const operation of entry.operations) {
      this.#bytes += operation.key.length + (operation.type === 'put' ? operation.value.length : 0)
    }
    if (this.#backend === undefined || this.entries.length === 1) return
    // One call alone needs no batch, or makes its own.
    const handed = this.#batch === undefined ? this.entries : [entry]
    this.#batch ??= new BackendBatch(this.#backend)
    for (const { operations } of handed) for (const operation of operations) this.#batch.add(operation)
  }
}

/** Barriers and failed calls write nothing, and so many operations are handed over in several turns of the event loop. */
function isAlone({ barrier, failure, operations }: Entry): boolean {
  return barrier !== undefined || failure !== undefined || operations.length > MAX_GROUP_OPERATIONS
}

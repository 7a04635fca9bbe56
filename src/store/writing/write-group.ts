import { keyName } from '../../memtable/key-name.js'
import type { AnyLevel } from '../backend/any-level.js'
import { BackendBatch, type BackendOperation } from '../backend/backend-write.js'
import type { OrderedWrite } from './write-order.js'

/**
 * A group takes no more calls once it has this many operations or bytes. Larger groups leave the backend idle while the next values are sealed:
 * with 1000 puts of 1 KiB in flight, groups of 400 make a fifth more puts a second than groups of 1000, and no fewer than groups of 200.
 */
const MAX_GROUP_OPERATIONS = 400
const MAX_GROUP_BYTES = 1024 * 1024
/** A group with more operations is written alone: it keeps the backend busy, and comparing its keys with another group's would take long. */
export const MAX_OPERATIONS_BESIDE = 200
/** A group with fewer calls waits until nothing else is being written: waking another thread would take longer than writing it. */
export const MIN_CALLS_BESIDE = 8

/** A write or a barrier, from its acceptance until it resolves. */
export interface PendingCall extends OrderedWrite<BackendOperation> {
  readonly sync: boolean
  /** Number of its last record in the log. */
  sequence: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Writes that are committed together. */
export class WriteGroup {
  readonly calls: PendingCall[] = []
  readonly #backend: AnyLevel | undefined
  #batch: BackendBatch | undefined
  #operations = 0
  #bytes = 0
  /** The names of all keys in the group; undefined until they are needed. */
  #keys: Set<string> | undefined

  /** @param backend is handed operations as they are added; undefined if it must get nothing before the group is committed */
  constructor(backend: AnyLevel | undefined) {
    this.#backend = backend
  }

  /** The batch of the backend that has the operations already; undefined if the backend was handed nothing yet. */
  get batch(): BackendBatch | undefined {
    return this.#batch
  }

  /** Whether it may be written at the same time as another group that is complete: both are small, and have no key in common. */
  mayBeWrittenBeside(other: WriteGroup): boolean {
    return this.calls.length >= MIN_CALLS_BESIDE && this.#isSmall && other.#isSmall && !other.#sharesKeyWith(this.calls)
  }

  /** Whether calls that are in no group yet could make one that may be written beside this one. */
  allowsBeside(calls: readonly PendingCall[]): boolean {
    if (!this.#isSmall || calls.some(call => call.sync)) return false
    const operations = calls.reduce((sum, call) => sum + call.operations.length, 0)
    return operations <= MAX_OPERATIONS_BESIDE && !this.#sharesKeyWith(calls)
  }

  /** A group that has to be synced does not count as small: one fsync is to serve all calls that wait for one. */
  get #isSmall(): boolean {
    return this.#operations <= MAX_OPERATIONS_BESIDE && !this.calls.some(call => call.sync)
  }

  #sharesKeyWith(calls: readonly PendingCall[]): boolean {
    this.#keys ??= new Set(operationsOf(this.calls).map(({ key }) => keyName(key)))
    for (const { key } of operationsOf(calls)) if (this.#keys.has(keyName(key))) return true
    return false
  }

  hasRoomFor(call: PendingCall): boolean {
    if (this.calls.length === 0) return true
    // A call of more operations than a group takes is a group of its own: it hands them to the backend in several turns of the event loop.
    if (call.operations.length > MAX_GROUP_OPERATIONS) return false
    return this.#operations < MAX_GROUP_OPERATIONS && this.#bytes < MAX_GROUP_BYTES
  }

  add(call: PendingCall): void {
    this.calls.push(call)
    this.#keys = undefined
    this.#operations += call.operations.length
    for (const operation of call.operations) {
      this.#bytes += operation.key.length + (operation.type === 'put' ? operation.value.length : 0)
    }
    if (this.#backend === undefined || this.calls.length === 1) return
    // A single call needs no batch here: writeToBackend() writes one operation without a batch, and makes one for several.
    const handed = this.#batch === undefined ? this.calls : [call]
    this.#batch ??= new BackendBatch(this.#backend)
    for (const { operations } of handed) for (const operation of operations) this.#batch.add(operation)
  }
}

/** All operations of calls, in order. */
export function operationsOf(calls: readonly PendingCall[]): readonly BackendOperation[] {
  return calls.length === 1 ? calls[0]!.operations : calls.flatMap(({ operations }) => operations)
}

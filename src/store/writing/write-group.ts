import { keyName } from '../../memtable/key-name.js'
import type { AnyLevel } from '../backend/any-level.js'
import { BackendBatch, type BackendOperation } from '../backend/backend-write.js'
import type { OrderedWrite } from './write-order.js'

/**
 * So much or a little more is written together. Larger ones leave the backend idle while the next values are sealed: with 1000 puts of 1 KiB in
 * flight, batches of 400 make a fifth more puts a second than batches of 1000, and no fewer than batches of 200.
 */
const MAX_GROUP_OPERATIONS = 400
const MAX_GROUP_BYTES = 1024 * 1024
/** Groups with more are written alone: with them the backend is busy enough, and comparing their keys would take long. */
export const MAX_OPERATIONS_BESIDE = 200
/** A group with fewer waits for what is under way: to wake another thread would take longer than to write it. */
export const MIN_CALLS_BESIDE = 8

/** One call, from its acceptance until it resolves. */
export interface PendingCall extends OrderedWrite<BackendOperation> {
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
  readonly calls: PendingCall[] = []
  readonly #backend: AnyLevel | undefined
  #batch: BackendBatch | undefined
  #operations = 0
  #bytes = 0
  #isSynced = false
  /** Their names; undefined until they are asked for. */
  #keys: Set<string> | undefined

  /** @param backend is handed the operations of several calls as they come; undefined: not before the group is committed */
  constructor(backend: AnyLevel | undefined) {
    this.#backend = backend
  }

  /** What the backend has been handed; undefined: nothing yet. */
  get batch(): BackendBatch | undefined {
    return this.#batch
  }

  /** Whether it may be written at the same time as another one that has all its calls: neither is large, and no key is in both. */
  mayBeWrittenBeside(other: WriteGroup): boolean {
    return this.calls.length >= MIN_CALLS_BESIDE && this.#isSmall && other.#isSmall && !other.#sharesKeyWith(this.calls)
  }

  /** Whether calls that are in no group yet could make one that may be written beside this one. */
  allowsBeside(calls: readonly PendingCall[]): boolean {
    if (!this.#isSmall || calls.some(call => call.sync || isAlone(call))) return false
    const operations = calls.reduce((sum, call) => sum + call.operations.length, 0)
    return operations <= MAX_OPERATIONS_BESIDE && !this.#sharesKeyWith(calls)
  }

  /** One fsync is to serve all that wait for one. */
  get #isSmall(): boolean {
    return this.#operations <= MAX_OPERATIONS_BESIDE && !this.#isSynced
  }

  #sharesKeyWith(calls: readonly PendingCall[]): boolean {
    this.#keys ??= new Set(operationsOf(this.calls).map(({ key }) => keyName(key)))
    for (const { key } of operationsOf(calls)) if (this.#keys.has(keyName(key))) return true
    return false
  }

  hasRoomFor(call: PendingCall): boolean {
    if (this.calls.length === 0) return true
    return this.#operations < MAX_GROUP_OPERATIONS && this.#bytes < MAX_GROUP_BYTES && !isAlone(call)
  }

  add(call: PendingCall): void {
    this.calls.push(call)
    this.#keys = undefined
    this.#isSynced ||= call.sync
    this.#operations += isAlone(call) ? Infinity : call.operations.length
    for (const operation of call.operations) {
      this.#bytes += operation.key.length + (operation.type === 'put' ? operation.value.length : 0)
    }
    if (this.#backend === undefined || this.calls.length === 1) return
    // One call alone needs no batch, or makes its own.
    const handed = this.#batch === undefined ? this.calls : [call]
    this.#batch ??= new BackendBatch(this.#backend)
    for (const { operations } of handed) for (const operation of operations) this.#batch.add(operation)
  }
}

/** In their order. */
export function operationsOf(calls: readonly PendingCall[]): readonly BackendOperation[] {
  return calls.length === 1 ? calls[0]!.operations : calls.flatMap(({ operations }) => operations)
}

/** Barriers and failed calls write nothing, and a call with more operations than a group has hands them over in several turns of the event loop. */
function isAlone({ barrier, failure, operations }: PendingCall): boolean {
  return barrier !== undefined || failure !== undefined || operations.length > MAX_GROUP_OPERATIONS
}

import { outcomeUnknown } from '../../errors.js'
import { Lane } from '../../lane.js'
import { keyName } from '../../memtable/key-name.js'
import type { RangeTombstone } from '../../memtable/range-tombstone.js'
import { type BackendBatch, type BackendOperation, writeToBackend } from '../backend/backend-write.js'
import { isOpen } from '../backend/backend.js'
import type { StoreLog } from '../log/store-log.js'
import { MARKER_KEY } from '../marker.js'
import type { GetQueue } from '../reading/get-queue.js'
import type { ValueCache } from '../reading/value-cache.js'
import type { Counters } from '../stats.js'
import { TouchedKeys } from './touched-keys.js'
import { operationsOf, type PendingCall, type WriteGroup } from './write-group.js'
import { WriteGroups, type WriteGroupsContext } from './write-groups.js'
import { WriteOrder } from './write-order.js'

/*
 * The write path of a store without a MemTable. A write is a put, a del or a batch; from top to bottom:
 *
 *     write() ──► order (write-order.ts): wait for earlier writes of the same keys that are still being sealed, and for barriers
 *                   │
 *                 groups (write-groups.ts), first come, first served: handed to the backend bit by bit, while it writes the
 *                   │                       group before; with a log, only when it has been logged
 *                   │
 *                 commit: each group is written as one batch of the backend, one at a time,
 *                   │     or over LevelDB two small ones that have no key in common
 *                   │
 *                 resolve, once the next group is on its way
 *
 * A barrier (of a clear, a flush, a close or a sweep) holds back every write after it, and does its work when all before it are done.
 */

export interface WriteQueueContext extends WriteGroupsContext {
  readonly cache: ValueCache | undefined
  readonly gets: GetQueue
  readonly counters: Counters['writes']
}

export class WriteQueue {
  readonly #context: WriteQueueContext
  readonly #order = new WriteOrder<BackendOperation, PendingCall>(
    ({ key }) => keyName(key),
    call => this.#dispatch(call)
  )
  readonly #groups: WriteGroups
  /**
   * Refused groups, whose calls are tried again one by one; one group at a time. Such a call writes a changed marker as well, and two markers on
   * their way to the backend at once might arrive in either order.
   */
  readonly #retries = new Lane()

  #pending = 0
  readonly #watches = new Set<TouchedKeys>()

  constructor(context: WriteQueueContext) {
    this.#context = context
    this.#groups = new WriteGroups(context, group => this.#commit(group))
  }

  /**
   * Accepts a write. Calls keep their order key by key, and a call's operations are applied all or none.
   *
   * @param operations owned by the queue from now on
   * @param sync ask the backend for stable storage
   * @param sealing resolve when the operations have their values
   * @returns resolves when the backend has them
   */
  write(
    operations: readonly BackendOperation[],
    sync: boolean,
    sealing: readonly Promise<void>[] = NONE
  ): Promise<void> {
    const { counters, cache } = this.#context
    counters.calls++
    if (cache !== undefined) for (const { key } of operations) cache.beginWrite(keyName(key))
    for (const touched of this.#watches) for (const { key } of operations) touched.add(keyName(key))
    return this.#accept(operations, sync, sealing, undefined)
  }

  /** Remembers the keys of writes that are accepted from now on. */
  watch(): TouchedKeys {
    return new TouchedKeys(this.#watches)
  }

  /** Call when a clear is accepted. */
  touchRange(range: RangeTombstone): void {
    for (const touched of this.#watches) touched.addRange(range)
  }

  /** Runs `work` after every write accepted before it, and before every one accepted after it. */
  async barrier<T>(work: () => Promise<T>): Promise<T> {
    let result!: T
    await this.#accept([], false, NONE, async () => {
      await this.#groups.idle()
      this.#context.gets.sendAll()
      result = await work()
    })
    return result
  }

  /** Resolves when every write accepted before has been applied or rejected. */
  drain(): Promise<void> {
    return this.#pending === 0 ? Promise.resolve() : this.barrier(async () => {})
  }

  /** Calls that have not resolved yet, barriers included. */
  get pending(): number {
    return this.#pending
  }

  #accept(
    operations: readonly BackendOperation[],
    sync: boolean,
    sealing: readonly Promise<void>[],
    work: PendingCall['work']
  ): Promise<void> {
    this.#pending++
    return new Promise((resolve, reject) => {
      const call: PendingCall = {
        operations,
        isBarrier: work !== undefined,
        work,
        sync,
        waitsFor: 0,
        followers: [],
        failure: undefined,
        sequence: 0,
        resolve,
        reject
      }
      this.#order.accept(call, sealing)
    })
  }

  #dispatch(call: PendingCall): void {
    if (call.failure === undefined && call.operations.length > 0) this.#groups.add(call)
    else this.#settle(call, call.failure) // A barrier writes nothing.
  }

  // ---- commit

  /** Never rejects: each call gets its own outcome. */
  async #commit(group: WriteGroup): Promise<void> {
    const { log } = this.#context
    const written = await (log === undefined
      ? this.#applyAll(group.calls, group.batch)
      : this.#logAndApply(group.calls, log))
    this.#groups.end(group) // Before callers learn the outcome, so that the backend already works while they seal what they write next.
    for (const call of written) this.#settle(call)
  }

  /** @returns as {@link #applyAll} does */
  async #logAndApply(group: readonly PendingCall[], log: StoreLog): Promise<readonly PendingCall[]> {
    const logged = await this.#logAll(group, log)
    const applied = logged.length === 0 ? NO_CALLS : await this.#applyAll(logged)
    log.afterBatch()
    return applied
  }

  /** Logs each call as a batch of its own. Those that could not be logged are rejected, the others returned. */
  async #logAll(group: readonly PendingCall[], log: StoreLog): Promise<PendingCall[]> {
    try {
      await log.checkpoint.begin()
    } catch (error) {
      for (const call of group) this.#settle(call, { error })
      return []
    }
    const outcomes = await Promise.allSettled(
      group.map(({ operations, sync }) => log.appendOperations(operations, sync))
    )
    return group.filter((call, i) => {
      const outcome = outcomes[i]!
      if (outcome.status === 'fulfilled') call.sequence = outcome.value
      else this.#settle(call, { error: outcome.reason })
      return outcome.status === 'fulfilled'
    })
  }

  /** @returns the calls that the backend has written, which are not settled yet; all other calls of the group are settled */
  async #applyAll(group: readonly PendingCall[], batch?: BackendBatch): Promise<readonly PendingCall[]> {
    try {
      await this.#apply(group, batch)
      return group
    } catch (error) {
      if (group.length === 1) return this.#rejectRefused(group[0]!, error)
      return this.#retries.run(() => this.#applyEach(group, error))
    }
  }

  /** One caller's bad operation must not fail the calls beside it: each call is tried alone, and settled before the next is tried. */
  async #applyEach(group: readonly PendingCall[], error: unknown): Promise<readonly PendingCall[]> {
    for (const call of group) {
      // Not the error of a closed backend: that would say that nothing was written, but the group that the backend refused before may have been.
      if (!isOpen(this.#context.backend)) this.#rejectRefused(call, error)
      else for (const applied of await this.#applyAll([call])) this.#settle(applied)
    }
    return NO_CALLS
  }

  /** Rejects a call that the backend refused. If it is logged, its outcome is unknown. */
  #rejectRefused(call: PendingCall, error: unknown): readonly PendingCall[] {
    const { log } = this.#context
    log?.backendRefused()
    this.#settle(call, { error: log === undefined ? error : outcomeUnknown(error) })
    return NO_CALLS
  }

  /** Writes a group, all or none. */
  #apply(group: readonly PendingCall[], batch: BackendBatch | undefined): Promise<void> {
    const { backend, marker: state, gets, counters, log } = this.#context
    gets.sendAll()
    log?.checkpoint.applying(group.at(-1)!.sequence)
    const operations = operationsOf(group)
    const sync = group.some(call => call.sync)
    const marker = this.#markerFor(operations)
    counters.backendCalls++
    if (marker === undefined) return batch?.write(sync) ?? writeToBackend(backend, operations, sync)

    const markerPut = { type: 'put', key: MARKER_KEY, value: marker } as const
    batch?.add(markerPut)
    const written = batch?.write(true) ?? writeToBackend(backend, [markerPut, ...operations], true)
    return written.then(() => state.saved(marker))
  }

  /** Without a log, a batch of deletions alone needs no marker: no value in it depends on one. */
  #markerFor(operations: readonly BackendOperation[]): Buffer | undefined {
    const { log, marker } = this.#context
    if (log !== undefined) return log.checkpoint.unsavedMarker
    return operations.some(({ type }) => type === 'put') ? marker.unsaved : undefined
  }

  #settle(call: PendingCall, failure?: { readonly error: unknown }): void {
    const { cache } = this.#context
    this.#pending--
    if (cache !== undefined) for (const { key } of call.operations) cache.endWrite(keyName(key))
    if (failure === undefined) call.resolve()
    else call.reject(failure.error)
  }
}

const NO_CALLS: readonly PendingCall[] = Object.freeze([])
const NONE: readonly Promise<void>[] = Object.freeze([])

import { outcomeUnknown } from '../../errors.js'
import type { AnyLevel } from '../any-level.js'
import { type BackendOperation, writeToBackend } from '../backend-write.js'
import { MARKER_KEY } from '../marker.js'
import { keyName } from '../../memtable/key-name.js'
import type { RangeTombstone } from '../../memtable/range-tombstone.js'
import type { MarkerState } from '../marker-state.js'
import type { Counters } from '../stats.js'
import type { StoreLog } from '../log/store-log.js'
import { TouchedKeys } from './touched-keys.js'
import type { ValueCache } from '../reading/value-cache.js'
import { type OrderedWrite, WriteOrder } from './write-order.js'

/*
 * The write path of a store without a MemTable. A write is put, del or a batch; from top to bottom:
 *
 *     write() ──► order (write-order.ts): wait for earlier writes of the same keys that are still being sealed, and for barriers
 *                   │
 *                 ready: first come, first served ──► commit: what waits is logged, if there is a log, and becomes one backend
 *                                                     batch, one at a time
 *                                                        │
 *                                                      resolve
 *
 * A barrier (clear, flush, close) waits for every write before it and holds back every one after it.
 */

/**
 * What one backend batch takes together. Larger ones leave the backend idle while the next values are sealed: with 1000 puts of 1 KiB in
 * flight, batches of 400 make a fifth more puts a second than batches of 1000, and no fewer than batches of 200.
 */
const MAX_GROUP_OPERATIONS = 400
const MAX_GROUP_BYTES = 1024 * 1024

/** One call, from its acceptance until it resolves. */
interface Entry extends OrderedWrite<BackendOperation> {
  readonly sync: boolean
  /** Runs alone, instead of operations. */
  readonly barrier: (() => Promise<void>) | undefined
  /** Number of its last record in the log. */
  sequence: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface WriteQueueContext {
  readonly backend: AnyLevel
  readonly marker: MarkerState
  readonly cache: ValueCache | undefined
  readonly counters: Counters['writes']
  readonly log: StoreLog | undefined
}

export class WriteQueue {
  readonly #backend: AnyLevel
  readonly #marker: MarkerState
  readonly #cache: ValueCache | undefined
  readonly #counters: Counters['writes']
  readonly #log: StoreLog | undefined
  readonly #order = new WriteOrder<BackendOperation, Entry>(
    ({ key }) => keyName(key),
    entry => this.#makeReady(entry)
  )

  /** In the order in which they are committed. */
  #ready: Entry[] = []
  #committing = false

  #pending = 0
  readonly #watches = new Set<TouchedKeys>()

  constructor({ backend, marker, cache, counters, log }: WriteQueueContext) {
    this.#backend = backend
    this.#marker = marker
    this.#cache = cache
    this.#counters = counters
    this.#log = log
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
    this.#counters.calls++
    if (this.#cache !== undefined) for (const { key } of operations) this.#cache.invalidate(keyName(key))
    for (const touched of this.#watches) for (const { key } of operations) touched.add(keyName(key))
    return this.#accept(operations, sync, sealing, undefined)
  }

  /** Remembers the keys of writes that are accepted from now on. */
  watch(): TouchedKeys {
    const touched = new TouchedKeys()
    this.#watches.add(touched)
    return touched
  }

  unwatch(touched: TouchedKeys): void {
    this.#watches.delete(touched)
  }

  /** Call when a clear is accepted. */
  touchRange(range: RangeTombstone): void {
    for (const touched of this.#watches) touched.addRange(range)
  }

  /** Runs `work` after every write accepted before it, and before every one accepted after it. */
  barrier(work: () => Promise<void>): Promise<void> {
    return this.#accept([], false, NONE, work)
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
    barrier: Entry['barrier']
  ): Promise<void> {
    this.#pending++
    return new Promise((resolve, reject) => {
      const entry: Entry = {
        operations,
        isBarrier: barrier !== undefined,
        work: undefined,
        sync,
        barrier,
        waitsFor: 0,
        followers: [],
        failure: undefined,
        sequence: 0,
        resolve,
        reject
      }
      this.#order.accept(entry, sealing)
    })
  }

  // ---- ready

  #makeReady(entry: Entry): void {
    this.#ready.push(entry)
    if (this.#committing) return
    this.#committing = true
    // After the reactions of every promise that is settled now: writes that those make go into the same batch.
    process.nextTick(() => void this.#commitAll())
  }

  async #commitAll(): Promise<void> {
    while (this.#ready.length > 0) {
      const waiting = this.#ready
      this.#ready = []
      for (let from = 0; from < waiting.length;) {
        const to = groupEnd(waiting, from)
        await this.#commit(from === 0 && to === waiting.length ? waiting : waiting.slice(from, to))
        from = to
      }
    }
    this.#committing = false
  }

  // ---- commit

  /** Never rejects: each entry gets its own outcome. */
  async #commit(group: readonly Entry[]): Promise<void> {
    const [first] = group
    if (first!.failure !== undefined) return this.#settle(first!, first!.failure)
    if (this.#log === undefined || first!.barrier !== undefined) return this.#applyAll(group)
    const logged = await this.#logAll(group, this.#log)
    if (logged.length > 0) await this.#applyAll(logged)
    this.#log.afterBatch()
  }

  /** Logs each entry as a batch of its own. Those that could not be logged are rejected, the others returned. */
  async #logAll(group: readonly Entry[], log: StoreLog): Promise<Entry[]> {
    try {
      await log.checkpoint.begin()
    } catch (error) {
      for (const entry of group) this.#settle(entry, { error })
      return []
    }
    const outcomes = await Promise.allSettled(
      group.map(({ operations, sync }) => log.appendOperations(operations, sync))
    )
    return group.filter((entry, i) => {
      const outcome = outcomes[i]!
      if (outcome.status === 'fulfilled') entry.sequence = outcome.value
      else this.#settle(entry, { error: outcome.reason })
      return outcome.status === 'fulfilled'
    })
  }

  async #applyAll(group: readonly Entry[]): Promise<void> {
    try {
      await this.#apply(group)
    } catch (error) {
      // One caller's bad operation must not fail its neighbours: each is tried alone.
      if (group.length > 1) for (const entry of group) await this.#applyAll([entry])
      else this.#settle(group[0]!, { error: this.#noteRejected(group[0]!, error) })
      return
    }
    for (const entry of group) this.#settle(entry)
  }

  /** The error of an entry that the backend refused, though it is logged. */
  #noteRejected({ barrier }: Entry, error: unknown): unknown {
    if (this.#log === undefined || barrier !== undefined) return error
    this.#log.backendRefused()
    return outcomeUnknown(error)
  }

  /** Writes a group, all or none, or runs the barrier that it consists of. */
  #apply(group: readonly Entry[]): Promise<void> {
    const [first] = group
    if (first!.barrier !== undefined) return first!.barrier()

    this.#log?.checkpoint.applying(group.at(-1)!.sequence)
    const operations = group.length === 1 ? first!.operations : group.flatMap(entry => entry.operations)
    const sync = group.some(entry => entry.sync)
    const marker = this.#markerFor(operations)
    if (marker === undefined) return this.#send(operations, sync)

    const markerPut = { type: 'put', key: MARKER_KEY, value: marker } as const
    return this.#send([markerPut, ...operations], true).then(() => this.#marker.saved(marker))
  }

  /** Without a log, a batch of deletions alone needs no marker: no value in it depends on one. */
  #markerFor(operations: readonly BackendOperation[]): Buffer | undefined {
    if (this.#log !== undefined) return this.#log.checkpoint.unsavedMarker
    return operations.some(({ type }) => type === 'put') ? this.#marker.unsaved : undefined
  }

  #send(operations: readonly BackendOperation[], sync: boolean): Promise<void> {
    this.#counters.backendCalls++
    return writeToBackend(this.#backend, operations, sync)
  }

  #settle(entry: Entry, failure?: { error: unknown }): void {
    this.#pending--
    if (this.#cache !== undefined) for (const { key } of entry.operations) this.#cache.invalidate(keyName(key))
    if (failure === undefined) entry.resolve()
    else entry.reject(failure.error)
  }
}

const NONE: readonly Promise<void>[] = Object.freeze([])

/** Where the group that begins at `from` ends. A barrier or a failed entry is a group of its own. */
function groupEnd(entries: readonly Entry[], from: number): number {
  let operations = 0
  let bytes = 0
  let to = from
  for (; to < entries.length; to++) {
    const entry = entries[to]!
    const alone = entry.barrier !== undefined || entry.failure !== undefined
    if (alone) return to === from ? from + 1 : to
    operations += entry.operations.length
    for (const operation of entry.operations) {
      bytes += operation.key.length + (operation.type === 'put' ? operation.value.length : 0)
    }
    if (to > from && (operations > MAX_GROUP_OPERATIONS || bytes > MAX_GROUP_BYTES)) return to
  }
  return to
}

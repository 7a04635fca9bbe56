import { clearTimeout, setTimeout } from 'node:timers'
import { databaseNotOpen } from '../../errors.js'
import { Lane } from '../../lane.js'
import { united } from '../../memtable/range-tombstone.js'
import type { Frozen, Tables } from '../../memtable/tables.js'
import type { AnyLevel } from '../backend/any-level.js'
import { AS_BYTES, SYNCED } from '../backend/as-bytes.js'
import { refusalOf } from '../backend/failed-writes.js'
import { rangeOfTombstone } from '../backend/key-range.js'
import { deleteRanges } from '../delete-range.js'
import type { StoreLog } from '../log/store-log.js'
import { MARKER_KEY } from '../marker.js'
import type { GetQueue } from '../reading/get-queue.js'
import type { StoreEvents } from '../store-events.js'
import type { TableValue } from '../table-value.js'
import { type Chunk, FlushChunks } from './flush-chunks.js'
import type { Sealer } from './sealer.js'

export interface FlushFailure {
  readonly error: unknown
  /** How many in a row failed, this one included. */
  readonly times: number
}

interface FlusherContext {
  readonly tables: Tables<TableValue>
  readonly backend: AnyLevel
  readonly gets: GetQueue
  readonly log: StoreLog
  readonly sealer: Sealer
  readonly overLevelDb: boolean
  /** Tables up to this weight are taken together. */
  readonly flushBytes: number
  /** How long to wait at most before a flush that failed is tried again. */
  readonly maxRetryMs: number
  /** @param weight of what the backend has now */
  readonly onFlushed: (weight: number, report: StoreEvents['flush']) => void
  readonly onFailed: (failure: FlushFailure) => void
  readonly onBackendCall: () => void
}

/** How long to wait before a flush that failed is tried again; twice as long after each further failure. */
const FIRST_RETRY_MS = 100

/** A table is sealed ahead only if it has at least this share of `flushBytes`. */
const MIN_AHEAD = 0.25

/**
 * Moves what is frozen into the backend, oldest first, one group at a time. First the log is put on stable storage. Then what the backend has in deleted
 * ranges is deleted, and the values are sealed and written in sorted, synced chunks, of which the last also says up to which record of the log the
 * backend has everything.
 *
 * A crash in between does no harm, since replaying the log does all of it again. That is why the log is synced first.
 */
export class Flusher {
  readonly #context: FlusherContext
  /** The flush of one group that is under way. */
  #step: Promise<void> | undefined
  readonly #lane = new Lane()
  /** Whether what is frozen is being flushed in the background, group after group. */
  #pumping = false
  /** Runs until a flush that failed is tried again. */
  #retry: NodeJS.Timeout | undefined
  /** How many flushes in a row have failed. */
  #failures = 0
  /** Called when one fails. */
  readonly #failureListeners = new Set<(error: unknown) => void>()
  #end: { readonly error: unknown } | undefined
  /** The next group, which is being sealed while another one is written. */
  #ahead: FlushChunks | undefined
  /** True only while the last chunk of a group is being written: sealing the next group meanwhile keeps both threads busy. */
  #mayBeginAhead = false

  constructor(context: FlusherContext) {
    this.#context = context
  }

  /**
   * Why nothing is flushed any more until the store is opened again: the backend takes no more writes, or the log, which has to be synced before a
   * flush; or this was stopped. Undefined as long as more may be flushed.
   */
  get end(): { readonly error: unknown } | undefined {
    return this.#end
  }

  /** Flushes what is frozen, in the background. A failure is reported by `onFailed`, and tried again later. */
  wake(): void {
    // Somebody may wait for the flush, and a promise alone keeps no process alive.
    this.#retry?.ref()
    this.#beginAhead()
    if (this.#pumping || this.#retry !== undefined) return
    this.#pumping = true
    void this.#pump()
  }

  /**
   * Flushes everything that is in the tables now.
   *
   * @throws what the backend throws; LEVEL_DATABASE_NOT_OPEN once it is stopped. Nothing is lost then
   */
  async flush(): Promise<void> {
    const { tables } = this.#context
    const last = tables.freeze()
    // The first record tells whether a table has to be flushed: newer ones may have been merged into it, so its last record may be above `last`.
    while (tables.oldest !== undefined && tables.oldest.firstSequence <= last) await this.#flushOldest()
    // Something was frozen or sealed meanwhile, and perhaps nothing else will cause it to be flushed: wake() did nothing while a retry was due.
    if (tables.oldest !== undefined) this.wake()
  }

  /** Settles as `work` does, or rejects when a flush fails before. */
  unlessFlushFails(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#failureListeners.add(reject)
      const settled = () => void this.#failureListeners.delete(reject)
      work.then(resolve, reject).finally(settled)
    })
  }

  /** Runs `work` while nothing is on its way to the backend. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#lane.run(work)
  }

  /** Ends flushing. Resolves when nothing is on its way to the backend any more. */
  async stop(): Promise<void> {
    this.#end = { error: databaseNotOpen() }
    clearTimeout(this.#retry)
    await this.#lane.idle()
    this.#dropAhead()
  }

  async #pump(): Promise<void> {
    try {
      while (this.#context.tables.oldest !== undefined) await this.#flushOldest()
    } catch {
      // Already reported, or the flusher is stopped.
    } finally {
      this.#pumping = false
    }
  }

  /**
   * Flushes the oldest group. Calls made while one is being flushed wait for that one. Nothing is begun after the end. If a flush has failed for good,
   * each write asks for another, which would seal all values again in vain; and once the flusher is stopped, the store would not wait for it, and
   * the backend might belong to another store by the time it is written to.
   */
  #flushOldest(): Promise<void> {
    if (this.#end !== undefined) return Promise.reject(this.#end.error)
    return (this.#step ??= this.exclusively(() => this.#flushNext()).finally(() => {
      this.#step = undefined
    }))
  }

  async #flushNext(): Promise<void> {
    const { tables, log, onFlushed } = this.#context
    const group = this.#ahead ?? this.#begin()
    this.#ahead = undefined
    const start = performance.now()
    let entries: number
    try {
      await log.syncWritten()
      await this.#deleteCleared(group.items)
      entries = await this.#writeChunks(group)
    } catch (cause) {
      group.discard()
      throw this.#failed(cause)
    }
    tables.flushed()
    this.#failures = 0
    this.#retryLater(undefined)
    log.afterBatch()
    const weight = group.items.reduce((sum, item) => sum + item.weight, 0)
    onFlushed(weight, { entries, ms: performance.now() - start })
  }

  /** A flush has failed, and nothing of it counts. Returns the error for those who wait for it. */
  #failed(cause: unknown): unknown {
    const { tables, backend, log, onFailed } = this.#context
    this.#dropAhead()
    tables.flushFailed()
    const times = ++this.#failures
    const refused = refusalOf(backend)
    const error = refused ?? cause
    if (log.isPoisoned || refused !== undefined) this.#end ??= { error }
    this.#retryLater(FIRST_RETRY_MS * 2 ** (times - 1))
    for (const fail of this.#failureListeners) fail(error)
    onFailed({ error, times })
    return error
  }

  /** Takes the next group, which must exist, and begins to seal it. */
  #begin(): FlushChunks {
    const { tables, flushBytes } = this.#context
    return new FlushChunks(tables.startFlush(flushBytes), this.#context)
  }

  /** Begins to seal the next group if its first table is large. Small tables wait, to be flushed together with those that come until then. */
  #beginAhead(): void {
    if (!this.#mayBeginAhead || this.#ahead !== undefined || this.#end !== undefined) return
    const { tables, flushBytes } = this.#context
    const next = tables.nextToFlush
    if (next === undefined || next.weight < flushBytes * MIN_AHEAD) return
    this.#ahead = this.#begin()
  }

  #dropAhead(): void {
    this.#ahead?.discard()
    this.#ahead = undefined
  }

  /** @param ms until the flush is tried again; undefined for never */
  #retryLater(ms: number | undefined): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    if (ms === undefined || this.#end !== undefined) return
    const retry = () => {
      this.#retry = undefined
      this.wake()
    }
    this.#retry = setTimeout(retry, Math.min(ms, this.#context.maxRetryMs))
    this.#retry.unref()
  }

  /** Deletes what the backend has in the deleted ranges of a group. What the group's tables have there afterwards is written later. */
  async #deleteCleared(items: readonly Frozen<TableValue>[]): Promise<void> {
    const { backend, gets, log } = this.#context
    const clears = items.flatMap(item => ('clear' in item ? [item.clear] : []))
    if (clears.length === 0) return
    gets.sendAll()
    await deleteRanges(backend, united(clears).map(rangeOfTombstone), !log.isDatabase)
  }

  /** Seals each chunk while the one before it is being written, and the first chunk of the next group while the last of this one is. */
  async #writeChunks(chunks: FlushChunks): Promise<number> {
    let writing: Promise<void> = Promise.resolve()
    try {
      for (;;) {
        const chunk = await chunks.next()
        await writing.catch(async (error: unknown) => {
          await chunk.close()
          throw error
        })
        const { isLast } = chunks
        writing = isLast ? this.#writeLast(chunk, chunks.items.at(-1)!.sequence) : this.#write(chunk)
        writing.catch(() => {}) // It is awaited, but perhaps not before it fails.
        if (isLast) break
      }
      this.#mayBeginAhead = true
      this.#beginAhead()
    } finally {
      await writing.finally(() => (this.#mayBeginAhead = false))
    }
    return chunks.count
  }

  #writeLast(chunk: Chunk, sequence: number): Promise<void> {
    return this.#context.log.checkpoint.write(sequence, async marker => {
      try {
        if (marker !== undefined) chunk.put(MARKER_KEY, marker, AS_BYTES)
      } catch (error) {
        await chunk.close() // Otherwise the backend would keep this batch, and one more each time the flush is tried again.
        throw error
      }
      return this.#write(chunk)
    })
  }

  #write(chunk: Chunk): Promise<void> {
    this.#context.onBackendCall()
    this.#context.gets.sendAll()
    return chunk.write(SYNCED)
  }
}

import { clearTimeout, setTimeout } from 'node:timers'
import { keyName, keyOfName } from '../../memtable/key-name.js'
import { type Kept, TOMBSTONE } from '../../memtable/memtable.js'
import type { RangeTombstone } from '../../memtable/range-tombstone.js'
import { findIn, type Tables } from '../../memtable/tables.js'
import type { LogRecord } from '../../wal/format/record.js'
import { lastSequenceOf, type OpenFrame, waiter, type Waiter } from '../../wal/writing/open-frame.js'
import { rangeOfTombstone } from '../backend/key-range.js'
import { clearRecord, tableRecord } from '../log/records.js'
import type { StoreLog } from '../log/store-log.js'
import type { MemTableSettings } from '../options/memtable-options.js'
import type { ValueCache } from '../reading/value-cache.js'
import type { TableValue } from '../table-value.js'
import { MAX_CLEARS, weightOf } from '../weights.js'
import type { Admission } from './admission.js'
import type { Flusher } from './flusher.js'
import { TouchedKeys } from './touched-keys.js'

/** What is done to one key. */
export interface TableOperation {
  readonly name: string
  /** What the table is to keep; undefined while the value is being sealed. */
  kept: Kept<TableValue> | undefined
}

/** A call that has been admitted, and how its caller learns the outcome. */
export interface Admitted {
  /** How many of the bytes that the backend lacks are counted for it; see `weights.ts`. */
  readonly weight: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface LoggedTableContext {
  readonly tables: Tables<TableValue>
  readonly log: StoreLog
  readonly cache: ValueCache | undefined
  readonly settings: MemTableSettings
  readonly admission: Admission
  readonly flusher: Flusher
}

/** The log and the tables: what has been written to the log is put into the tables, in the same order. */
export class LoggedTable {
  readonly #context: LoggedTableContext
  readonly #watches = new Set<TouchedKeys>()
  #flushTimer: NodeJS.Timeout | undefined
  #pending = 0

  constructor(context: LoggedTableContext) {
    this.#context = context
  }

  // ---- counting calls: accepted() once for each call, and later exactly one of onLogged(), resolve(), reject() and abandon()

  /** Calls that have not resolved yet. */
  get pending(): number {
    return this.#pending
  }

  accepted(): void {
    this.#pending++
  }

  /** A put or del is in the log. */
  onLogged({ name, kept, weight }: OneOperation, sequence: number): void {
    this.#set(name, kept, sequence, weight)
    this.#flushIfDue()
    this.#pending--
  }

  /** What a call asked for is done. */
  resolve(call: Admitted): void {
    this.#pending--
    call.resolve()
  }

  /** A call is not in the log. */
  reject(call: Admitted, error: unknown): void {
    this.abandon(call.weight)
    call.reject(error)
  }

  /**
   * A call is not in the log, and its caller learns that in another way.
   *
   * @param weight 0 if it was not admitted
   */
  abandon(weight: number): void {
    this.#pending--
    this.#context.admission.leave(weight)
  }

  // ---- the log

  /** @param record of the operation; its bytes are copied before this returns */
  appendOne(record: LogRecord, sync: boolean, operation: OneOperation): Promise<void> {
    try {
      return this.#context.log.append(record, sync, operation).outcome
    } catch (error) {
      operation.reject()
      return Promise.reject(error)
    }
  }

  /** Logs the operations of one call, all or none. */
  append(operations: readonly TableOperation[], sync: boolean, call: Admitted): void {
    const records = operations.map(({ name, kept }) => tableRecord(keyOfName(name), kept!))
    this.#append(records, sync, call, sequence => {
      // The first operation carries the weight of the whole call, since all its operations are flushed together.
      for (const [i, { name, kept }] of operations.entries()) {
        this.#set(name, kept!, sequence, i === 0 ? call.weight : 0)
      }
    })
  }

  /** Logs that a range is deleted. */
  appendClear(clear: RangeTombstone, sync: boolean, call: Admitted): void {
    this.#append([clearRecord(rangeOfTombstone(clear))], sync, call, sequence => {
      const { tables, cache } = this.#context
      tables.clear(clear, { sequence, weight: call.weight })
      for (const touched of this.#watches) touched.addRange(clear)
      cache?.clear()
    })
  }

  /** Logs that keys are deleted, all or none. Their weight is known only now, after admission. */
  async deleteKeys(keys: readonly Buffer[], sync: boolean): Promise<void> {
    // The keys may be missing because of earlier deletions that are not on stable storage yet.
    if (keys.length === 0) return sync ? this.#context.log.sync() : undefined
    const { checkpoint } = this.#context.log
    if (checkpoint.mustBegin) await checkpoint.begin()
    const operations = keys.map(key => ({ name: keyName(key), kept: TOMBSTONE }) as const)
    const weight = keys.reduce((sum, key) => sum + weightOf(key.length), 0)
    this.#context.admission.enterAnyway(weight)
    this.accepted()
    return new Promise((resolve, reject) => this.append(operations, sync, { weight, resolve, reject }))
  }

  #append(records: LogRecord[], sync: boolean, call: Admitted, apply: (sequence: number) => void): void {
    const rejected = (error: unknown) => this.reject(call, error)
    const settle: Waiter['settle'] = (frame, waiting) => {
      apply(lastSequenceOf(frame, waiting))
      this.#flushIfDue()
      this.resolve(call)
    }
    try {
      this.#context.log.appendBatch(records, sync, waiter(settle, rejected))
    } catch (error) {
      rejected(error)
    }
  }

  // ---- the tables

  #set(name: string, kept: Kept<TableValue>, sequence: number, weight: number): void {
    const { tables, cache } = this.#context
    tables.set(name, kept, { sequence, weight })
    cache?.invalidate(name)
    if (this.#watches.size > 0) for (const touched of this.#watches) touched.add(name)
  }

  /** See `Writes.watch`. */
  watch(): TouchedKeys {
    // Keys in the tables count as touched, since the flusher may write them to the backend after the sweep has read it. Keys of later
    // writes are added when those are logged.
    const view = this.#context.tables.view()
    return new TouchedKeys(this.#watches, name => findIn(view, name) !== undefined)
  }

  // ---- flushing

  #flushIfDue(): void {
    const { tables, settings, flusher } = this.#context
    if (tables.activeWeight >= settings.flushBytes) this.#flushSoon()
    else if (tables.waitingWeight >= settings.flushBytes || tables.frozenCount > MAX_CLEARS / 2) flusher.wake()
    if (this.#context.admission.waiting > 0) this.makeRoom()
    else if (this.#flushTimer === undefined && settings.flushIntervalMs !== Infinity) {
      this.#flushTimer = setTimeout(() => {
        this.#flushTimer = undefined
        this.#flushSoon()
      }, settings.flushIntervalMs)
      this.#flushTimer.unref()
    }
  }

  #flushSoon(): void {
    this.#context.tables.freeze()
    this.#context.flusher.wake()
  }

  /** Call while a write waits for room. Freezes the table only if nothing else is to be flushed: else each admitted write would make a table. */
  makeRoom(): void {
    const { tables, flusher } = this.#context
    if (tables.frozenCount === 0) tables.freeze()
    flusher.wake()
  }

  /** Flushes what the tables hold, as far as the backend takes it. Nothing is flushed afterwards. */
  async close(): Promise<void> {
    const { flusher } = this.#context
    clearTimeout(this.#flushTimer)
    await flusher.flush().catch(() => {}) // Already reported. The log keeps what the backend lacks.
    await flusher.stop()
  }
}

/**
 * A put or del on its way to log and table. There are many of them at once, so it is one object that holds everything, and has no promise of
 * its own: all callers whose records are in one frame share that frame's promise.
 */
export class OneOperation implements Waiter {
  index = 0
  count = 0
  readonly #table: LoggedTable
  readonly name: string
  readonly kept: Kept<TableValue>
  readonly weight: number

  constructor(table: LoggedTable, name: string, kept: Kept<TableValue>, weight: number) {
    this.#table = table
    this.name = name
    this.kept = kept
    this.weight = weight
  }

  settle(frame: OpenFrame): void {
    this.#table.onLogged(this, lastSequenceOf(frame, this))
  }

  reject(): void {
    this.#table.abandon(this.weight)
  }
}

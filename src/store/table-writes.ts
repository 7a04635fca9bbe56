import { keyName, keyOfName } from '../memtable/key-name.js'
import { type Found, TOMBSTONE } from '../memtable/memtable.js'
import type { RangeTombstone } from '../memtable/range-tombstone.js'
import { findIn, type Tables } from '../memtable/tables.js'
import { type LogRecord, rawPut, Record, sealedPut } from '../wal/record.js'
import type { Admission } from './admission.js'
import type { AnyLevel } from './any-level.js'
import { type Operation, rewriteUntouched } from './backend-write.js'
import { copiedBounds } from './caller-buffers.js'
import type { EncodedClearOptions } from './clear.js'
import type { Flusher } from './flusher.js'
import type { MarkerState } from './marker-state.js'
import type { MemTableSettings, WriteOptions } from './options.js'
import { type HalfOpenRange, halfOpen } from './key-range.js'
import type { Sealer } from './sealer.js'
import type { Counters } from './stats.js'
import { clearRecord, type StoreLog } from './store-log.js'
import type { TableValue } from './table-value.js'
import { TouchedKeys } from './touched-keys.js'
import type { ValueCache } from './value-cache.js'
import { type OrderedWrite, WriteOrder } from './write-order.js'
import type { WriteRequest, Writes } from './writes.js'

/*
 * The write path of a store with a MemTable. From top to bottom:
 *
 *     put() ──► admission: room among what the backend lacks ──► order: values being sealed off the main thread, and barriers
 *                                                                  │
 *                                                  append to the log ──► written, as the fsync policy says ──► table ──► resolve
 *
 * The log keeps the order in which it was appended to, and the table gets what is written in that order. From there the flusher moves it
 * into the backend.
 */

/** What JavaScript needs to remember a key, roughly. */
const ENTRY_BYTES = 150

/** Deleted ranges that may wait for the backend: each read looks at them, and they keep tables from being merged. */
const MAX_CLEARS = 64

/** What is done to one key; the value perhaps not sealed yet. */
interface TableOperation {
  readonly name: string
  found: Found<TableValue> | undefined
}

/** One call, from its acceptance until it resolves. */
interface Entry extends OrderedWrite<TableOperation> {
  /** Instead of operations: a range to be deleted. */
  readonly clear: RangeTombstone | undefined
  readonly weight: number
  readonly sync: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface TableWritesContext {
  readonly backend: AnyLevel
  readonly tables: Tables<TableValue>
  readonly log: StoreLog
  readonly marker: MarkerState
  readonly sealer: Sealer
  readonly cache: ValueCache | undefined
  readonly counters: Counters['writes']
  readonly settings: MemTableSettings
  readonly admission: Admission
  readonly flusher: Flusher
  /** Keys that a reader would see in a range, in order. */
  readonly keysIn: (options: EncodedClearOptions) => Promise<Buffer[]>
}

export class TableWrites implements Writes {
  readonly #context: TableWritesContext
  readonly #order = new WriteOrder<TableOperation, Entry>(
    ({ name }) => name,
    entry => this.#append(entry)
  )
  #pending = 0
  #beginning: Promise<void> | undefined
  #flushTimer: NodeJS.Timeout | undefined
  readonly #watches = new Set<TouchedKeys>()

  constructor(context: TableWritesContext) {
    this.#context = context
  }

  get pending(): number {
    return this.#pending
  }

  // ---- what callers ask for

  put(key: Buffer, value: Buffer, options: WriteOptions): Promise<void> {
    const found = this.#context.sealer.forTable(key, value, options)
    if (options.ttl !== undefined) this.#context.marker.useTtl()
    const weight = ENTRY_BYTES + key.length + value.length
    return this.#writeOne(key, found, weight, options.sync === true)
  }

  del(key: Buffer, options: WriteOptions): Promise<void> {
    return this.#writeOne(key, TOMBSTONE, ENTRY_BYTES + key.length, options.sync === true)
  }

  async batch(requests: readonly WriteRequest[], sync: boolean): Promise<void> {
    const { sealer, marker } = this.#context
    const operations: TableOperation[] = []
    const sealing: Promise<void>[] = []
    let weight = 0
    for (const { type, key, value, options } of requests) {
      const operation: TableOperation = { name: keyName(key), found: TOMBSTONE }
      operations.push(operation)
      weight += ENTRY_BYTES + key.length
      if (type === 'del') continue
      weight += value!.length
      const found = sealer.forTable(key, value!, options)
      if (options.ttl !== undefined) marker.useTtl()
      if (found instanceof Promise) sealing.push(settingFound(operation, found))
      else operation.found = found
    }
    return this.#accept({ operations, weight, sync, sealing })
  }

  async clear(options: EncodedClearOptions): Promise<void> {
    const sync = options.sync === true
    const range = copiedBounds(options) // Where it has to be read, that is later.
    this.#context.cache?.clear()
    if (options.limit !== -1 || options.snapshot !== undefined) {
      return this.#accept({ weight: 0, sync, work: () => this.#clearKeys(range, sync) })
    }
    const { start, end } = halfOpen(range)
    if (end?.length === 0) return // Nothing lies below the empty key, and in the log it means that there is no end.
    const clear = { start: keyName(start), end: end === undefined ? undefined : keyName(end) }
    return this.#accept({ clear, weight: Math.ceil(this.#context.settings.maxBytes / MAX_CLEARS), sync })
  }

  async flush(): Promise<void> {
    await this.#settled()
    return this.#context.flusher.flush()
  }

  async close(): Promise<boolean> {
    const { flusher, tables } = this.#context
    // Whoever waits for room is turned away when a flush fails, and this with them.
    while (this.#pending > 0) await this.#settled().catch(() => {})
    clearTimeout(this.#flushTimer)
    await flusher.flush().catch(() => {}) // It was told. The log keeps what the backend has not.
    await flusher.stop()
    return tables.isEmpty
  }

  /** Resolves when every write accepted before is in the table, or rejected. */
  #settled(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    return this.#accept({ weight: 0, sync: false, work: () => this.#context.log.settled() })
  }

  // ---- for sweeps

  async watch(): Promise<TouchedKeys> {
    // What is in the tables now reaches the backend later, and what is not yet is noted when it gets there.
    const view = this.#context.tables.view()
    const touched = new TouchedKeys(name => findIn(view, name) !== undefined)
    this.#watches.add(touched)
    return touched
  }

  unwatch(touched: TouchedKeys): void {
    this.#watches.delete(touched)
  }

  rewrite(operations: readonly Operation[], touched: TouchedKeys): Promise<boolean[]> {
    const { backend, counters, flusher } = this.#context
    return flusher.exclusively(() => rewriteUntouched(backend, operations, touched, counters))
  }

  async deleteUntouched(keys: readonly Buffer[], touched: TouchedKeys): Promise<boolean[]> {
    const deleted = keys.map(() => false)
    await this.#accept({
      weight: 0,
      sync: false,
      work: async () => {
        await this.#context.log.settled()
        for (const [i, key] of keys.entries()) deleted[i] = !touched.has(keyName(key))
        await this.#deleteKeys(
          keys.filter((_, i) => deleted[i]),
          false
        )
      }
    })
    return deleted
  }

  saveMarker(): Promise<void> {
    return this.#context.log.saveApplied()
  }

  // ---- acceptance and order

  /** The common case in a straight line: nothing to wait for. */
  #writeOne(key: Buffer, found: Found<TableValue> | Promise<TableValue>, weight: number, sync: boolean): Promise<void> {
    const { cache, log, counters, admission } = this.#context
    const name = keyName(key)
    const waits = found instanceof Promise
    if (waits || !this.#order.isFree || log.mustBegin || !admission.tryEnter(weight)) {
      const operation: TableOperation = { name, found: waits ? undefined : found }
      const sealing = waits ? [settingFound(operation, found)] : []
      return this.#accept({ operations: [operation], weight, sync, sealing })
    }
    counters.calls++
    this.#pending++
    cache?.invalidate(name)
    return new Promise((resolve, reject) => {
      const rejected = (error: unknown) => {
        this.#forget(weight)
        reject(error)
      }
      try {
        log.append(
          [recordOf(key, found)],
          sync,
          sequence => {
            this.#context.tables.set(name, found, { sequence, weight })
            if (this.#watches.size > 0) this.#touch(name)
            this.#applied()
            cache?.invalidate(name)
            resolve()
          },
          rejected
        )
      } catch (error) {
        rejected(error)
      }
    })
  }

  #accept({
    operations = [],
    clear,
    work,
    weight,
    sync,
    sealing = []
  }: {
    operations?: readonly TableOperation[]
    clear?: RangeTombstone
    work?: () => Promise<void>
    weight: number
    sync: boolean
    sealing?: readonly Promise<void>[]
  }): Promise<void> {
    const { admission, counters, log } = this.#context
    const isBarrier = clear !== undefined || work !== undefined
    if (!isBarrier) counters.calls++
    this.#pending++
    this.#invalidate(operations)
    return new Promise((resolve, reject) => {
      const entry: Entry = {
        operations,
        isBarrier,
        work,
        clear,
        weight,
        sync,
        waitsFor: 0,
        followers: [],
        failure: undefined,
        resolve,
        reject
      }
      for (const promise of sealing) promise.catch(() => {}) // It is looked at once there is room.
      admission.enter(
        weight,
        () => this.#order.accept(entry, log.mustBegin && work === undefined ? [...sealing, this.#begin()] : sealing),
        error => {
          this.#pending--
          reject(error)
        }
      )
      if (admission.waiting > 0) this.#makeRoom()
    })
  }

  #begin(): Promise<void> {
    return (this.#beginning ??= this.#context.log.begin().finally(() => {
      this.#beginning = undefined
    }))
  }

  // ---- log and table

  #append(entry: Entry): void {
    const { failure, operations, clear, work, weight, sync } = entry
    const rejected = (error: unknown) => {
      this.#forget(weight)
      entry.reject(error)
    }
    if (failure !== undefined) return rejected(failure.error)
    if (work !== undefined || (operations.length === 0 && clear === undefined)) {
      this.#forget(weight)
      return entry.resolve()
    }
    const records =
      clear === undefined
        ? operations.map(({ name, found }) => recordOf(keyOfName(name), found!))
        : [clearRecord(rangeOf(clear))]
    try {
      this.#context.log.append(records, sync, sequence => this.#apply(entry, sequence), rejected)
    } catch (error) {
      rejected(error)
    }
  }

  #apply({ operations, clear, weight, resolve }: Entry, sequence: number): void {
    const { tables, cache } = this.#context
    if (clear !== undefined) {
      tables.clear(clear, { sequence, weight })
      for (const touched of this.#watches) touched.addRange(clear)
      cache?.clear()
    }
    // What a call weighs goes with its first operation: they are flushed together.
    for (const [i, { name, found }] of operations.entries()) {
      tables.set(name, found!, { sequence, weight: i === 0 ? weight : 0 })
      this.#touch(name)
    }
    this.#applied()
    this.#invalidate(operations)
    resolve()
  }

  /** Deletes the keys that a limited clear, or one with a snapshot, is about. Runs while nothing else is accepted. */
  async #clearKeys(options: EncodedClearOptions, sync: boolean): Promise<void> {
    await this.#context.log.settled()
    return this.#deleteKeys(await this.#context.keysIn(options), sync)
  }

  /** Logs that keys are deleted, all or none, while nothing else is accepted. */
  async #deleteKeys(keys: readonly Buffer[], sync: boolean): Promise<void> {
    const { log, tables, cache, admission } = this.#context
    if (keys.length === 0) return
    if (log.mustBegin) await this.#begin()
    const sequence = await new Promise<number>((resolve, reject) => {
      log.append(
        keys.map(key => Record.delete(key)),
        sync,
        resolve,
        reject
      )
    })
    for (const key of keys) {
      const weight = ENTRY_BYTES + key.length
      admission.enterAnyway(weight)
      tables.set(keyName(key), TOMBSTONE, { sequence, weight })
      this.#touch(keyName(key))
    }
    cache?.clear()
    this.#flushIfDue()
  }

  /** A write is in the table. */
  #applied(): void {
    this.#pending--
    this.#flushIfDue()
  }

  /** A write did not get there. */
  #forget(weight: number): void {
    this.#pending--
    this.#context.admission.leave(weight)
  }

  #touch(name: string): void {
    for (const touched of this.#watches) touched.add(name)
  }

  #invalidate(operations: readonly TableOperation[]): void {
    const { cache } = this.#context
    if (cache !== undefined) for (const { name } of operations) cache.invalidate(name)
  }

  // ---- flushing

  #flushIfDue(): void {
    const { tables, settings, admission } = this.#context
    if (tables.activeWeight >= settings.flushBytes || tables.frozenCount > MAX_CLEARS / 2 || admission.waiting > 0) {
      this.#makeRoom()
    } else if (this.#flushTimer === undefined && settings.flushIntervalMs !== Infinity) {
      this.#flushTimer = setTimeout(() => {
        this.#flushTimer = undefined
        this.#makeRoom()
      }, settings.flushIntervalMs).unref()
    }
  }

  #makeRoom(): void {
    const { tables, flusher } = this.#context
    tables.freeze()
    flusher.wake()
  }
}

function recordOf(key: Buffer, found: Found<TableValue>): LogRecord {
  if (found === TOMBSTONE) return Record.delete(key)
  return found.sealed ? sealedPut(key, found.bytes) : rawPut(key, found.bytes, found.expiresAt)
}

function rangeOf({ start, end }: RangeTombstone): HalfOpenRange {
  return { start: keyOfName(start), end: end === undefined ? undefined : keyOfName(end) }
}

/** The value goes where it belongs when it is sealed. */
function settingFound(operation: TableOperation, sealing: Promise<TableValue>): Promise<void> {
  return sealing.then(value => {
    operation.found = value
  })
}

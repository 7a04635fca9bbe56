import { isPromise } from '../../is-promise.js'
import { keyName } from '../../memtable/key-name.js'
import { type Kept, TOMBSTONE } from '../../memtable/memtable.js'
import type { RangeTombstone } from '../../memtable/range-tombstone.js'
import type { AnyLevel } from '../backend/any-level.js'
import type { BackendOperation } from '../backend/backend-write.js'
import { endsAtEmptyKey, halfOpen, tombstoneOf, withOwnBounds } from '../backend/key-range.js'
import { tableRecord } from '../log/records.js'
import type { MarkerState } from '../marker-state.js'
import type { WriteOptions } from '../options/options.js'
import type { Counters } from '../stats.js'
import type { TableValue } from '../table-value.js'
import { clearWeight, weightOf } from '../weights.js'
import type { EncodedClearOptions } from './clear.js'
import {
  type Admitted,
  LoggedTable,
  type LoggedTableContext,
  OneOperation,
  type TableOperation
} from './logged-table.js'
import { rewriteUntouched } from './rewrite-untouched.js'
import type { Sealer } from './sealer.js'
import type { TouchedKeys } from './touched-keys.js'
import { type OrderedWrite, WriteOrder } from './write-order.js'
import type { WriteRequest, Writes } from './writes.js'

/*
 * The write path of a store with a MemTable. From top to bottom:
 *
 *     put()
 *       │   admission.ts      waits for room, while too many bytes are not in the backend yet
 *       │   write-order.ts    waits for its values to be sealed, for earlier writes of the same keys, and for barriers
 *       │   logged-table.ts   appends to the log, and puts the operations into the table when they are written, as the fsync policy says
 *       ▼
 *     resolves
 *
 * Operations reach the table in the order in which they were appended to the log. From the table the flusher moves them into the backend.
 */

/** One call, from its acceptance until it resolves. */
interface PendingCall extends OrderedWrite<TableOperation>, Admitted {
  /** Instead of operations: a range to be deleted. */
  readonly clear: RangeTombstone | undefined
  readonly sync: boolean
}

/** What is asked for by a call that does not go straight to the log: one of `operations`, `clear` and `work`. */
interface Call {
  readonly operations?: readonly TableOperation[]
  readonly clear?: RangeTombstone
  /** Instead of operations: runs after every call accepted before, and before any accepted later. */
  readonly work?: () => Promise<void>
  readonly weight: number
  readonly sync: boolean
  /** Values that are being sealed. */
  readonly sealing?: readonly Promise<void>[]
}

interface TableWritesContext extends LoggedTableContext {
  readonly backend: AnyLevel
  readonly marker: MarkerState
  readonly sealer: Sealer
  readonly counters: Counters['writes']
  /** Keys that a reader would see in a range, in order. */
  readonly keysIn: (options: EncodedClearOptions) => Promise<Buffer[]>
}

export class TableWrites implements Writes {
  readonly #context: TableWritesContext
  readonly #table: LoggedTable
  readonly #order = new WriteOrder<TableOperation, PendingCall>(
    ({ name }) => name,
    call => this.#dispatch(call)
  )

  constructor(context: TableWritesContext) {
    this.#context = context
    this.#table = new LoggedTable(context)
  }

  get pending(): number {
    return this.#table.pending
  }

  // ---- what callers ask for

  put(key: Buffer, value: Buffer, options: WriteOptions): Promise<void> {
    const weight = weightOf(key.length, value.length)
    this.#context.admission.assertMayWait(weight)
    const kept = this.#context.sealer.forTable(key, value, options)
    if (options.ttl !== undefined) this.#context.marker.useTtl()
    return this.#writeOne(key, kept, weight, options.sync === true, value)
  }

  del(key: Buffer, options: WriteOptions): Promise<void> {
    const weight = weightOf(key.length)
    this.#context.admission.assertMayWait(weight)
    return this.#writeOne(key, TOMBSTONE, weight, options.sync === true)
  }

  async batch(requests: readonly WriteRequest[], sync: boolean): Promise<void> {
    const { sealer, marker } = this.#context
    const operations: TableOperation[] = []
    const sealing: Promise<void>[] = []
    const weight = requests.reduce((sum, { key, value }) => sum + weightOf(key.length, value?.length), 0)
    this.#context.admission.assertMayWait(weight)
    for (const { type, key, value, options } of requests) {
      const operation: TableOperation = { name: keyName(key), kept: TOMBSTONE }
      operations.push(operation)
      if (type === 'del') continue
      const kept = sealer.forTable(key, value!, options)
      if (options.ttl !== undefined) marker.useTtl()
      if (isPromise(kept)) sealing.push(settingKept(operation, kept))
      else operation.kept = kept
    }
    return this.#accept({ operations, weight, sync, sealing })
  }

  async clear(options: EncodedClearOptions): Promise<void> {
    const sync = options.sync === true
    const range = withOwnBounds(options) // A limited clear reads the bounds later, when the caller may have changed its buffers.
    if (options.limit !== -1 || options.snapshot !== undefined) return this.#clearKeys(range, sync)
    const cleared = halfOpen(range)
    if (endsAtEmptyKey(cleared)) return
    return this.#accept({ clear: tombstoneOf(cleared), weight: clearWeight(this.#context.settings), sync })
  }

  /** A limited clear, or one with a snapshot: its keys are looked up and deleted one by one. */
  #clearKeys(range: EncodedClearOptions, sync: boolean): Promise<void> {
    return this.#alone(async () => this.#table.deleteKeys(await this.#context.keysIn(range), sync))
  }

  async flush(): Promise<void> {
    const { admission, flusher } = this.#context
    // Calls that wait for room need flushes to get in, and the next flush may be one that has failed and is due only later. So flush now.
    if (admission.waiting > 0) await flusher.flush()
    await flusher.unlessFlushFails(this.#settled())
    return flusher.flush()
  }

  async handedToLog(): Promise<void> {
    // Where no call waits, the log has been given all of them.
    if (this.#order.isFree && this.#context.admission.waiting === 0) return
    // This call waits behind those that wait for room, and is rejected with them if there will be none. Calls that were admitted before may
    // still be having their values compressed then.
    await this.#settled().catch(() => this.#admittedSettled())
  }

  async close(): Promise<boolean> {
    const { admission, flusher } = this.#context
    admission.close()
    if (admission.waiting > 0) await flusher.flush().catch(() => {}) // Already reported.
    // When a flush fails, all calls that wait for room are rejected, and this one with them.
    while (this.pending > 0) await this.#settled().catch(() => {})
    await this.#table.close()
    return this.#context.tables.isEmpty
  }

  // ---- for sweeps

  async watch(): Promise<TouchedKeys> {
    return this.#table.watch()
  }

  rewrite(operations: readonly BackendOperation[], touched: TouchedKeys): Promise<boolean[]> {
    const { backend, counters, flusher } = this.#context
    return flusher.exclusively(() => rewriteUntouched(backend, operations, touched, counters))
  }

  deleteUntouched(keys: readonly Buffer[], touched: TouchedKeys): Promise<boolean[]> {
    return this.#alone(async () => {
      const deleted = touched.untouched(keys)
      await this.#table.deleteKeys(
        keys.filter((_, i) => deleted[i]),
        false
      )
      return deleted
    })
  }

  saveMarker(): Promise<void> {
    return this.#context.log.checkpoint.saveApplied()
  }

  storeReserved(key: Buffer, value: Buffer): Promise<void> {
    return this.#context.log.storeReserved(key, value)
  }

  // ---- acceptance and order

  /** Goes straight to the log if there is nothing to wait for, which is the common case. */
  #writeOne(
    key: Buffer,
    kept: Kept<TableValue> | Promise<TableValue>,
    weight: number,
    sync: boolean,
    value?: Buffer
  ): Promise<void> {
    const { counters, admission, log } = this.#context
    const name = keyName(key)
    const waits = isPromise(kept)
    if (waits || !this.#order.isFree || log.checkpoint.mustBegin || !admission.tryEnter(weight)) {
      const operation: TableOperation = { name, kept: waits ? undefined : kept }
      const sealing = waits ? [settingKept(operation, kept)] : []
      return this.#accept({ operations: [operation], weight, sync, sealing })
    }
    counters.calls++
    this.#table.accepted()
    return this.#table.appendOne(tableRecord(key, kept, value), sync, new OneOperation(this.#table, name, kept, weight))
  }

  /** Runs `work` when every write accepted before is in the table or rejected, and before any that is accepted after. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    let result!: T
    const settledWork = async () => {
      await this.#context.log.settled()
      result = await work()
    }
    await this.#accept({ weight: 0, sync: false, work: settledWork })
    return result
  }

  /** Resolves when every write accepted before is either in the table or rejected. Waits for room behind those that wait for it. */
  #settled(): Promise<void> {
    return this.pending === 0 ? Promise.resolve() : this.#alone(async () => {})
  }

  /** Resolves when every write admitted before is either in the table or rejected. Does not wait for those that still wait for room. */
  #admittedSettled(): Promise<void> {
    this.#table.accepted()
    return new Promise((resolve, reject) => {
      const work = () => this.#context.log.settled()
      this.#order.accept(pendingCall({ weight: 0, sync: false, work }, resolve, reject), [])
    })
  }

  #accept(given: Call): Promise<void> {
    const { clear, work, weight, sealing = [] } = given
    const { admission, counters, log } = this.#context
    if (!isBarrier(given)) counters.calls++
    this.#table.accepted()
    return new Promise((resolve, reject) => {
      const call = pendingCall(given, resolve, reject)
      admission.enter(
        weight,
        clear === undefined ? weight : weightOf(clear.start.length, clear.end?.length),
        () => {
          const begins = log.checkpoint.mustBegin && work === undefined
          this.#order.accept(call, begins ? [...sealing, log.checkpoint.begin()] : sealing)
        },
        error => {
          this.#table.abandon(0)
          reject(error)
        }
      )
      if (admission.waiting > 0) this.#table.makeRoom()
    })
  }

  #dispatch(call: PendingCall): void {
    const { failure, operations, clear, sync } = call
    if (failure !== undefined) this.#table.reject(call, failure.error)
    else if (clear !== undefined) this.#table.appendClear(clear, sync, call)
    else if (operations.length > 0) this.#table.append(operations, sync, call)
    else this.#table.resolve(call) // A barrier whose work is done, or an empty batch: neither weighs anything.
  }
}

function isBarrier({ clear, work }: Call): boolean {
  return clear !== undefined || work !== undefined
}

function pendingCall(call: Call, resolve: Admitted['resolve'], reject: Admitted['reject']): PendingCall {
  const { operations = [], clear, work, weight, sync } = call
  const order = { operations, isBarrier: isBarrier(call), work, waitsFor: 0, followers: [], failure: undefined }
  return { ...order, weight, resolve, reject, clear, sync }
}

/** Gives an operation its value when the value is sealed. */
function settingKept(operation: TableOperation, sealing: Promise<TableValue>): Promise<void> {
  const setting = sealing.then(value => {
    operation.kept = value
  })
  setting.catch(() => {}) // It is awaited only once there is room, and never if a later operation of the batch throws.
  return setting
}

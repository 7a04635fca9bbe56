import { type LogRecord, Record } from '../../wal/format/record.js'
import type { Log } from '../../wal/log.js'
import type { WalStats } from '../../wal/observer.js'
import type { WalSettings } from '../../wal/options.js'
import type { RecoveryReport } from '../../wal/recovery/recovered-log.js'
import { readerOf, type WalReader } from '../../wal/wal-reader.js'
import { lastSequenceOf, type OpenFrame, waiter, type Waiter } from '../../wal/writing/open-frame.js'
import type { AnyLevel } from '../backend/any-level.js'
import { AS_BYTES_SYNCED } from '../backend/as-bytes.js'
import { type BackendOperation, writeToBackend } from '../backend/backend-write.js'
import type { HalfOpenRange } from '../backend/key-range.js'
import type { MarkerState } from '../marker-state.js'
import { MARKER_KEY } from '../marker.js'
import type { Unsealer } from '../reading/unsealer.js'
import { BackgroundTask } from './background-task.js'
import { Checkpoint } from './checkpoint.js'
import { LogSnapshots } from './log-snapshots.js'
import { clearRecord, operationRecord } from './records.js'
import { SegmentTrimming } from './segment-trimming.js'

interface StoreLogContext {
  readonly log: Log
  /** What opening the log found. */
  readonly recovery: RecoveryReport
  readonly settings: WalSettings
  readonly backend: AnyLevel
  readonly marker: MarkerState
  readonly unsealer: Unsealer
  /** Is given what unlocks the log, if that is to be done later than closing it. */
  readonly unlock?: ((release: () => Promise<void>) => void) | undefined
}

/**
 * The write-ahead log of a store. `openStoreLog` makes it.
 *
 * Over a backend that keeps its contents, the log holds what the backend may not have yet, and its segments are deleted when the backend has
 * it. Over a backend that keeps nothing (memory-level), the log holds everything, and older segments are deleted when a snapshot has what is
 * live in them.
 */
export class StoreLog {
  readonly #log: Log
  readonly #backend: AnyLevel
  readonly #marker: MarkerState
  readonly #readOnly: boolean
  readonly #unlock: StoreLogContext['unlock']
  readonly #background = new BackgroundTask()
  /** Only over a backend that keeps its contents, unless the store is read-only. */
  readonly #trimming: SegmentTrimming | undefined
  /** Only over a backend that keeps nothing, where the log is the database. */
  readonly #snapshots: LogSnapshots | undefined
  #backendRefused = false

  /** Whether the backend keeps nothing when it is closed, so that the log alone has the data. */
  readonly isDatabase: boolean

  readonly checkpoint: Checkpoint

  /** What users see of the log. */
  readonly reader: WalReader

  /** What opening it found. */
  readonly recovery: RecoveryReport

  constructor({ log, recovery, settings, backend, marker, unsealer, unlock }: StoreLogContext) {
    this.#log = log
    this.#backend = backend
    this.#marker = marker
    this.#readOnly = settings.readOnly
    this.#unlock = unlock
    this.isDatabase = !backend.supports.permanence
    this.checkpoint = new Checkpoint(log, backend, marker)
    this.reader = readerOf(log)
    this.recovery = recovery
    const { segmentBytes } = settings
    const background = this.#background
    if (this.isDatabase) {
      this.#snapshots = new LogSnapshots({ log, backend, segmentBytes, unsealer, background, marker })
    } else if (!this.#readOnly) this.#trimming = new SegmentTrimming(log, marker, background)
  }

  stats(): WalStats & { readonly lastGcError: unknown } {
    return { ...this.#log.stats(), lastGcError: this.#background.lastError }
  }

  /** Whether nothing can be written any more until the log is opened again. */
  get isPoisoned(): boolean {
    return this.#log.poison !== undefined
  }

  // ---- appending; `checkpoint.begin()` comes before

  /**
   * Logs a record. Its bytes are copied before this returns.
   *
   * @param waiting settled when the record is written, and synced if that was asked for
   * @returns the frame that it is in
   * @throws as `Log.append`
   */
  append(record: LogRecord, sync: boolean, waiting: Waiter): OpenFrame {
    if (this.checkpoint.markerToLog === undefined) return this.#log.append(record, sync, waiting)
    return this.appendBatch([record], sync, waiting)
  }

  /** Logs records, all or none; see {@link append}. */
  appendBatch(records: readonly LogRecord[], sync: boolean, waiting: Waiter): OpenFrame {
    const marker = this.checkpoint.markerToLog
    if (marker === undefined) return this.#log.appendBatch(records, sync, waiting)
    const first = waiter(
      (frame, { index, count }) => {
        this.checkpoint.logged(marker)
        waiting.index = index + 1
        waiting.count = count - 1
        waiting.settle(frame, waiting)
      },
      error => waiting.reject(error)
    )
    // In front of every batch until one of them has been written: the others may fail.
    return this.#log.appendBatch([Record.put(MARKER_KEY, marker), ...records], sync, first)
  }

  /** Logs the operations of one call, all or none. Resolves with the number of the last record. */
  appendOperations(operations: readonly BackendOperation[], sync: boolean): Promise<number> {
    return this.#appended(operations.map(operationRecord), sync)
  }

  /** Logs that a range is deleted. Resolves with the number of the record. */
  appendClear(range: HalfOpenRange, sync: boolean): Promise<number> {
    return this.#appended([clearRecord(range)], sync)
  }

  #appended(records: readonly LogRecord[], sync: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const settle: Waiter['settle'] = (frame, waiting) => resolve(lastSequenceOf(frame, waiting))
      this.appendBatch(records, sync, waiter(settle, reject))
    })
  }

  /** Resolves when everything appended so far has been written or rejected. */
  settled(): Promise<void> {
    return this.#log.settled()
  }

  /** Puts on stable storage what is written; appends go on meanwhile. */
  syncWritten(): Promise<void> {
    return this.#log.syncWritten()
  }

  /** Resolves when everything logged so far is on stable storage. */
  sync(): Promise<void> {
    return this.#log.sync()
  }

  /** Number of the last record that is logged. */
  get lastSequence(): number {
    return this.#log.nextSequence - 1
  }

  // ---- log and backend

  /** Call between two backend batches, when the backend has all that was logged so far. */
  afterBatch(): void {
    this.#trimming?.afterBatch()
    this.#snapshots?.afterBatch(this.checkpoint.applied)
  }

  /**
   * Deletes what was logged up to a record. Does nothing where the log is the database.
   *
   * @param flush writes everything logged so far to the backend
   * @returns whether it is gone
   */
  async forget(sequence: number, flush: () => Promise<void>): Promise<boolean> {
    return (await this.#trimming?.forget(sequence, flush)) ?? false
  }

  /** The backend refused what was logged. */
  backendRefused(): void {
    this.#backendRefused = true
  }

  /**
   * Stores something of the store's own under a reserved key, on stable storage, after the marker.
   *
   * Where the log is the database, a snapshot must not begin between the two writes below and claim to go up to the record, which it would lack.
   * None does: the number up to which a snapshot goes is changed only by work that never runs at the same time as this.
   */
  async storeReserved(key: Buffer, value: Buffer): Promise<void> {
    const [backend, marker] = [this.#backend, this.#marker]
    await this.checkpoint.exclusively(async () => {
      if (!this.isDatabase) {
        await marker.save(backend)
        return backend.put(key, value, AS_BYTES_SYNCED)
      }
      await this.#appended([Record.put(key, value)], true)
      const put = { type: 'put', key, value } as const
      const { unsavedMarker } = this.checkpoint
      if (unsavedMarker === undefined) return writeToBackend(backend, [put], true)
      await writeToBackend(backend, [{ type: 'put', key: MARKER_KEY, value: unsavedMarker }, put], true)
      marker.saved(unsavedMarker)
    })
  }

  /** Puts the marker, and everything that the backend holds already, into a new log, before anything else is logged. */
  async takeOver(): Promise<void> {
    await this.#marker.save(this.#backend)
    await this.#snapshots!.write(0)
  }

  /** @param sweep sweeps the backend; never rejects. Called before each snapshot, which then contains only what the sweep left */
  sweepBeforeSnapshots(sweep: () => Promise<void>): void {
    if (this.#snapshots !== undefined) this.#snapshots.sweep = sweep
  }

  /** @param clean whether the backend is open and has everything that it did not refuse */
  async close(clean: boolean): Promise<void> {
    this.#trimming?.stop()
    await this.#background.idle()
    try {
      if (clean && !this.isPoisoned && !this.#readOnly) await this.#noteClean()
    } finally {
      await this.#log.close(this.#unlock)
    }
  }

  /** What the backend refused must not come back at the next open. */
  async #noteClean(): Promise<void> {
    if (this.#snapshots === undefined) {
      await this.checkpoint.end()
      await this.#trimming?.atCleanClose()
    } else if (this.#backendRefused) await this.#snapshots.write(this.lastSequence)
  }
}

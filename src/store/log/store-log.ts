import { Lane } from '../../lane.js'
import type { Log } from '../../wal/log.js'
import type { WalStats } from '../../wal/observer.js'
import { lastSequenceOf, type OpenFrame, waiter, type Waiter } from '../../wal/open-frame.js'
import type { WalSettings } from '../../wal/options.js'
import { type LogRecord, Record } from '../../wal/record.js'
import type { RecoveryReport } from '../../wal/recovery.js'
import { readerOf, type WalReader } from '../../wal/wal-reader.js'
import type { AnyLevel } from '../any-level.js'
import { AS_BYTES_SYNCED } from '../as-bytes.js'
import type { HalfOpenRange } from '../key-range.js'
import { LogReclaim } from './log-reclaim.js'
import { MARKER_KEY } from '../marker.js'
import type { MarkerState } from '../marker-state.js'
import { clearRecord, operationRecord } from './records.js'
import { type Operation, writeToBackend } from '../writing/backend-write.js'

/**
 * The write-ahead log of a store.
 *
 * Over a backend that keeps what it gets, the log holds what the backend may not have yet, and goes when it has it. Over one that does
 * not (memory-level), the log holds everything, and snapshots of what is live let its older segments go.
 */
export class StoreLog {
  readonly #log: Log
  readonly #backend: AnyLevel
  readonly #marker: MarkerState
  readonly #settings: WalSettings
  readonly #recovery: RecoveryReport
  readonly #reclaim: LogReclaim
  /** Of the marker in the log, over a backend that keeps nothing. */
  #loggedMarker: Buffer | undefined
  #hasRejected = false
  /** The last record that the backend has, or that was rejected. */
  #applied: number
  /** Calls of {@link begin} under way. */
  #beginning = 0
  readonly #markerLane = new Lane()

  /**
   * See `openStoreLog`.
   *
   * @param isVisible whether a reader would see a stored value: a snapshot has no others
   */
  constructor(
    log: Log,
    backend: AnyLevel,
    marker: MarkerState,
    settings: WalSettings,
    recovery: RecoveryReport,
    isVisible: (stored: Uint8Array) => boolean
  ) {
    this.#log = log
    this.#backend = backend
    this.#marker = marker
    this.#settings = settings
    this.#recovery = recovery
    this.permanent = backend.supports.permanence
    this.#applied = log.nextSequence - 1
    this.#reclaim = new LogReclaim({
      log,
      backend,
      marker,
      permanent: this.permanent,
      readOnly: settings.readOnly,
      segmentBytes: settings.segmentBytes,
      isVisible,
      onSnapshot: () => {
        // In the log before this moment only, and that goes: the next append has it once more.
        if (marker.unsaved !== undefined) this.#loggedMarker = undefined
      }
    })
    this.reader = readerOf(log)
  }

  /** Whether the backend keeps what it has. */
  readonly permanent: boolean

  /** What users see of the log. */
  readonly reader: WalReader

  /** What opening it found. */
  get recovery(): RecoveryReport {
    return this.#recovery
  }

  stats(): WalStats & { readonly lastGcError: unknown } {
    return { ...this.#log.stats(), lastGcError: this.#reclaim.lastError }
  }

  /** Whether nothing more is written until it is opened again. */
  get isPoisoned(): boolean {
    return this.#log.poison !== undefined
  }

  // ---- writing

  /** Whether {@link begin} has to be awaited before the next append. */
  get mustBegin(): boolean {
    return this.permanent && (this.#beginning > 0 || !this.#marker.log.logDirty || this.#marker.mustPrecede)
  }

  /** Lets the backend say that the log may be ahead of it. */
  async begin(): Promise<void> {
    if (!this.mustBegin) return
    this.#beginning++ // The marker says so at once, and the backend not before it is written.
    try {
      await this.#oneMarkerAtATime(() => this.#begin())
    } finally {
      this.#beginning--
    }
  }

  async #begin(): Promise<void> {
    const marker = this.#marker
    // The marker is there before the log, and says that the log may be ahead only when the log is there: else a crash between would
    // look as if the log had been taken away.
    if (!marker.isStored) await this.#saveMarker()
    await this.#log.ensureSegment()
    const { logDirty } = marker.log
    marker.update({ logExists: true, logDirty: true })
    try {
      await this.#saveMarker()
    } catch (error) {
      marker.update({ logDirty })
      throw error
    }
  }

  /**
   * Logs a record. Its bytes are copied before this returns.
   *
   * @param waiting told when it is written, and synced where that was asked for
   * @returns the frame that it is in
   * @throws as `Log.append`
   */
  append(record: LogRecord, sync: boolean, waiting: Waiter): OpenFrame {
    if (this.#markerToLog === undefined) return this.#log.append(record, sync, waiting)
    return this.appendBatch([record], sync, waiting)
  }

  /** Logs records, all or none; see {@link append}. */
  appendBatch(records: readonly LogRecord[], sync: boolean, waiting: Waiter): OpenFrame {
    const marker = this.#markerToLog
    if (marker === undefined) return this.#log.appendBatch(records, sync, waiting)
    const first = waiter(
      (frame, { index, count }) => {
        this.#loggedMarker = marker
        waiting.index = index + 1
        waiting.count = count - 1
        waiting.settle(frame, waiting)
      },
      error => waiting.reject(error)
    )
    // In front of every batch until one of them is written: each may be the only one that is.
    return this.#log.appendBatch([Record.put(MARKER_KEY, marker), ...records], sync, first)
  }

  /** Logs the operations of one call, all or none. Returns the number of the last. */
  appendOperations(operations: readonly Operation[], sync: boolean): Promise<number> {
    return this.#appended(operations.map(operationRecord), sync)
  }

  /** Logs that a range is deleted. */
  appendClear(range: HalfOpenRange, sync: boolean): Promise<number> {
    return this.#appended([clearRecord(range)], sync)
  }

  #appended(records: readonly LogRecord[], sync: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const settle: Waiter['settle'] = (frame, waiting) => resolve(lastSequenceOf(frame, waiting))
      this.appendBatch(records, sync, waiter(settle, reject))
    })
  }

  /** The marker, where the log has to have it in front of the next record: over a backend that keeps nothing. */
  get #markerToLog(): Buffer | undefined {
    if (this.permanent) return undefined
    const { unsaved } = this.#marker
    return unsaved === this.#loggedMarker ? undefined : unsaved
  }

  /** Resolves when everything appended so far has been written or rejected. */
  settled(): Promise<void> {
    return this.#log.settled()
  }

  /** Puts on stable storage what is written; appends go on meanwhile. */
  syncWritten(): Promise<void> {
    return this.#log.syncWritten()
  }

  /** The next backend batch carries, under the marker's key, that the backend has everything up to a record. */
  applying(sequence: number): void {
    this.#applied = sequence
    if (this.permanent) this.#marker.update({ applied: sequence })
  }

  /** What the next backend batch has to write under the marker's key. */
  get unsavedMarker(): Buffer | undefined {
    const { unsaved } = this.#marker
    // Over a backend that keeps nothing it has to be in the log first.
    return this.permanent || unsaved === this.#loggedMarker ? unsaved : undefined
  }

  /**
   * Writes the batch with which the backend has everything up to a record.
   *
   * @param write is given what to write under the marker's key, if anything
   */
  async checkpoint(sequence: number, write: (marker: Buffer | undefined) => Promise<void>): Promise<void> {
    await this.#oneMarkerAtATime(async () => {
      const before = this.#applied
      this.applying(sequence)
      const marker = this.unsavedMarker
      try {
        await write(marker)
      } catch (error) {
        this.applying(before) // Else the next marker, written for another reason, would say so.
        throw error
      }
      if (marker !== undefined) this.#marker.saved(marker)
    })
  }

  /** The backend refused what was logged. */
  rejected(): void {
    this.#hasRejected = true
  }

  /**
   * Stores something of the store's own under a reserved key, on stable storage. Where the log is the database no snapshot may begin between
   * its record and the backend's having it: the number that a snapshot goes by moves in a turn like this one, or never while this is called.
   */
  async storeReserved(key: Buffer, value: Buffer): Promise<void> {
    await this.#oneMarkerAtATime(async () => {
      if (this.permanent) {
        if (!this.#marker.isStored) await this.#saveMarker()
        return this.#backend.put(key, value, AS_BYTES_SYNCED)
      }
      await this.#appended([Record.put(key, value)], true)
      const put = { type: 'put', key, value } as const
      const marker = this.unsavedMarker
      if (marker === undefined) return writeToBackend(this.#backend, [put], true)
      await writeToBackend(this.#backend, [{ type: 'put', key: MARKER_KEY, value: marker }, put], true)
      this.#marker.saved(marker)
    })
  }

  /** What the backend held before has to be in a new log before anything else is, and the marker with it. */
  async takeOver(): Promise<void> {
    await this.#saveMarker()
    await this.#reclaim.snapshot(0)
  }

  /** Lets the backend know what it has, where no batch has told it. One that keeps nothing is told with the next batch. */
  async saveApplied(): Promise<void> {
    if (this.permanent) await this.#oneMarkerAtATime(() => this.#saveMarker())
  }

  /** Number of the last record that is logged. */
  get lastSequence(): number {
    return this.#log.nextSequence - 1
  }

  /**
   * Lets go of what was logged up to a record.
   *
   * @param flush lets the backend have what was logged so far
   * @returns whether it is gone
   */
  forget(sequence: number, flush: () => Promise<void>): Promise<boolean> {
    return this.#reclaim.forget(sequence, flush)
  }

  /** Call between two backend batches, when the backend has all that was logged so far. */
  afterBatch(): void {
    this.#reclaim.afterBatch(this.#applied)
  }

  /** @param sweep sweeps the backend, and never rejects: called before a snapshot, which has what the backend has */
  sweepBeforeSnapshots(sweep: () => Promise<void>): void {
    this.#reclaim.sweep = sweep
  }

  /** Resolves when everything logged so far is on stable storage. */
  sync(): Promise<void> {
    return this.#log.sync()
  }

  /** @param clean whether the backend is there, and has everything that was not rejected */
  async close(clean: boolean): Promise<void> {
    this.#reclaim.stop()
    await this.#reclaim.idle()
    try {
      if (clean && this.#log.poison === undefined && !this.#settings.readOnly) await this.#noteClean()
    } finally {
      await this.#log.close()
    }
  }

  /** What was rejected must not come back at the next open. */
  async #noteClean(): Promise<void> {
    if (this.permanent) {
      if (!this.#marker.log.logDirty) return
      this.#marker.update({ applied: this.#log.nextSequence - 1, logDirty: false })
      await this.#saveMarker()
      await this.#reclaim.atCleanClose()
    } else if (this.#hasRejected) await this.#reclaim.snapshot(this.#log.nextSequence - 1)
  }

  /** Two markers on their way to the backend might arrive in any order. */
  #oneMarkerAtATime(work: () => Promise<void>): Promise<void> {
    return this.#markerLane.run(work)
  }

  #saveMarker(): Promise<void> {
    return this.#marker.save(this.#backend)
  }
}

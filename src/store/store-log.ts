import type { Unseal } from '../wal/decoded-frame.js'
import type { Log } from '../wal/log.js'
import type { WalStats } from '../wal/observer.js'
import type { WalSettings } from '../wal/options.js'
import { clearRange, type LogRecord, Record, sealedPut } from '../wal/record.js'
import type { RecoveryReport } from '../wal/recovery.js'
import { readerOf, type WalReader } from '../wal/wal-reader.js'
import type { AnyLevel } from './any-level.js'
import { asBuffer, AS_BYTES } from './as-bytes.js'
import { MARKER_KEY } from './marker.js'
import type { MarkerState } from './marker-state.js'
import { isReserved } from './reserved-keys.js'
import type { Operation } from './backend-write.js'

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
  /** Of the marker in the log, over a backend that keeps nothing. */
  #loggedMarker: Buffer | undefined
  #hasRejected = false
  /** How much was appended when the last snapshot began; below 0 where that was before the log was opened. */
  #appendedAtSnapshot: number
  /** The last record that the backend has, or that was rejected. */
  #applied: number
  #snapshotBytes: number
  #snapshot: Promise<void> | undefined
  #collecting: Promise<void> | undefined
  #lastGcError: unknown

  /** See `openStoreLog`. */
  constructor(
    log: Log,
    backend: AnyLevel,
    marker: MarkerState,
    settings: WalSettings,
    recovery: RecoveryReport,
    readonly values: LoggedValues
  ) {
    this.#log = log
    this.#backend = backend
    this.#marker = marker
    this.#settings = settings
    this.#recovery = recovery
    this.#snapshotBytes = log.snapshot?.bytes ?? 0
    this.#applied = log.nextSequence - 1
    this.#appendedAtSnapshot = this.#snapshotBytes - log.bytes
    this.reader = readerOf(log)
  }

  /** What users see of the log. */
  readonly reader: WalReader

  /** What opening it found. */
  get recovery(): RecoveryReport {
    return this.#recovery
  }

  /** Whether the backend keeps what it has. */
  get permanent(): boolean {
    return this.#backend.supports.permanence
  }

  stats(): WalStats & { readonly lastGcError: unknown } {
    return { ...this.#log.stats(), lastGcError: this.#lastGcError }
  }

  // ---- writing

  /** Call before an append: the first one lets the backend say that the log may be ahead of it. */
  async begin(): Promise<void> {
    const marker = this.#marker
    if (!this.permanent || (marker.log.logDirty && !marker.mustPrecede)) return
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

  /** Logs the operations of one call, all or none. Returns the number of the last. */
  append(operations: readonly Operation[], sync: boolean): Promise<number> {
    return this.#append(operations.map(recordOf), sync)
  }

  /** Logs that every key from `start` on is deleted, up to below `end`. */
  appendClear(start: Uint8Array, end: Uint8Array | undefined, sync: boolean): Promise<number> {
    return this.#append([clearRange(start, end ?? Buffer.alloc(0))], sync)
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

  /** The backend refused what was logged. */
  rejected(): void {
    this.#hasRejected = true
  }

  /** What the backend held before has to be in a new log before anything else is, and the marker with it. */
  async takeOver(): Promise<void> {
    await this.#saveMarker()
    await this.#takeSnapshot(0)
  }

  /** Lets the backend know what it has, where no batch has told it. */
  async saveApplied(): Promise<void> {
    if (this.permanent) await this.#saveMarker()
  }

  /** Call between two backend batches, when the backend has all that was logged so far. */
  afterBatch(): void {
    if (this.permanent) return this.#collect()
    const { segmentBytes } = this.#settings
    const sinceSnapshot = this.#log.appendedBytes - this.#appendedAtSnapshot
    if (sinceSnapshot <= this.#snapshotBytes + segmentBytes || this.#snapshot !== undefined) return
    this.#snapshot = this.#takeSnapshot(this.#applied)
      .catch((error: unknown) => {
        this.#lastGcError = error
      })
      .finally(() => {
        this.#snapshot = undefined
      })
  }

  /** Resolves when everything logged so far is on stable storage. */
  sync(): Promise<void> {
    return this.#log.sync()
  }

  /** Resolves when what runs beside the writes has ended. */
  async settled(): Promise<void> {
    await this.#snapshot
    await this.#collecting
  }

  /** @param clean whether the backend is there, and has everything that was not rejected */
  async close(clean: boolean): Promise<void> {
    await this.settled()
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
      this.#collect()
      await this.#collecting
    } else if (this.#hasRejected) await this.#takeSnapshot(this.#log.nextSequence - 1)
  }

  async #append(records: readonly LogRecord[], sync: boolean): Promise<number> {
    const marker = this.permanent ? undefined : this.#marker.unsaved
    // In front of every batch until one of them is written: each may be the only one that is.
    const waits = marker !== undefined && marker !== this.#loggedMarker
    const all = waits ? [Record.put(MARKER_KEY, marker), ...records] : records
    return new Promise((resolve, reject) => {
      this.#log.appendBatch(
        all,
        sync,
        (frame, { index, count }) => {
          if (waits) this.#loggedMarker = marker
          resolve(frame.firstSequence + index + count - 1)
        },
        reject
      )
    })
  }

  async #saveMarker(): Promise<void> {
    const marker = this.#marker.unsaved
    if (marker === undefined) return
    await this.#backend.put(MARKER_KEY, marker, { ...AS_BYTES, sync: true } as typeof AS_BYTES)
    this.#marker.saved(marker)
  }

  /** Deletes the segments that the backend needs no more. That it fails costs space, not data: it is tried again. */
  #collect(): void {
    if (this.#collecting !== undefined) return
    const segment = this.#log.segmentAbove(this.#marker.savedApplied)
    if (segment <= this.#log.firstSegment) return
    this.#collecting = this.#log
      .deleteSegmentsBefore({ segment })
      .then(
        () => {},
        (error: unknown) => {
          this.#lastGcError = error
        }
      )
      .finally(() => {
        this.#collecting = undefined
      })
  }

  /** Writes everything that is live into the log, and lets go of what lies before. The backend is at `sequence` now. */
  async #takeSnapshot(sequence: number): Promise<void> {
    const entries = this.#backend.iterator<Buffer, Uint8Array>({ ...AS_BYTES, fillCache: false } as object)
    // In the log before this moment only, and that goes: the next append has it once more.
    if (this.#marker.unsaved !== undefined) this.#loggedMarker = undefined
    this.#appendedAtSnapshot = this.#log.appendedBytes
    try {
      const writer = this.#log.snapshotWriter()
      const { segment } = await writer.begin(sequence)
      for await (const [key, value] of entries) await writer.add(storedRecord(asBuffer(key), value))
      this.#snapshotBytes = await writer.end()
      await this.#log.deleteSegmentsBefore({ segment })
    } finally {
      await entries.close()
    }
  }
}

/** Values are sealed already: they are logged, and given to the backend, as they are. */
function recordOf(operation: Operation): LogRecord {
  if (operation.type === 'del') return Record.delete(operation.key)
  return storedRecord(operation.key, operation.value as Buffer)
}

function storedRecord(key: Buffer, value: Uint8Array): LogRecord {
  return isReserved(key) ? Record.put(key, value) : sealedPut(key, value)
}

/** Opens what the store's own log holds. How is known only once the backend's marker has been read. */
export class LoggedValues {
  opener: Unseal | undefined

  readonly unseal: Unseal = envelope => this.opener!(envelope)
}

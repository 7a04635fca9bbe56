import { join } from 'node:path'
import { invalidOption, notSupported } from '../errors.js'
import type { Unseal } from '../wal/decoded-frame.js'
import { Log } from '../wal/log.js'
import type { WalStats } from '../wal/observer.js'
import { resolveWalOptions, type WalOptions, type WalSettings } from '../wal/options.js'
import { clearRange, type LogRecord, Record, sealedPut } from '../wal/record.js'
import type { RecoveryReport } from '../wal/recovery.js'
import { readerOf, type WalReader } from '../wal/wal-reader.js'
import type { AnyLevel } from './any-level.js'
import { asBuffer, AS_BYTES } from './as-bytes.js'
import { isLevelDb } from './backend.js'
import { assertBelongsTogether } from './log-pairing.js'
import { loadLog, replayLog } from './log-replay.js'
import { MARKER_KEY } from './marker.js'
import { MarkerState } from './marker-state.js'
import { isReserved } from './reserved-keys.js'
import type { Operation } from './write-queue.js'

/** Where `wal: true` keeps the log: LevelDB leaves directories that it does not know alone. */
const DIRECTORY = 'ckv-wal'

/** Live data may take so much of the log before it is written anew: twice what the last snapshot took, and a segment. */
const SNAPSHOT_FACTOR = 2

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
  #begun = false
  /** The last record that the backend has, or that was rejected. */
  #applied: number
  #snapshotBytes: number
  #snapshot: Promise<void> | undefined
  #collecting: Promise<void> | undefined
  #lastGcError: unknown

  private constructor(
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
    this.reader = readerOf(log)
  }

  /**
   * Opens the log of a store and brings the backend up to it.
   *
   * @param backend open
   * @throws LEVEL_CORRUPTION where log and backend do not belong together; LEVEL_LOCKED; what reading the log throws
   */
  static async open(backend: AnyLevel, options: WalOptions): Promise<{ log: StoreLog; marker: MarkerState }> {
    const { settings, ownerIsDead } = settingsFor(backend, options)
    return backend.supports.permanence
      ? this.#openBeside(backend, settings, ownerIsDead)
      : this.#openInstead(backend, settings)
  }

  /** The backend keeps what it has: the log goes on from there. */
  static async #openBeside(backend: AnyLevel, settings: WalSettings, ownerIsDead: boolean) {
    const marker = await MarkerState.load(backend)
    const { applied } = marker.log
    const values = new LoggedValues()
    const context = { storeId: marker.storeId, minSequence: applied + 1, ownerIsDead, unseal: values.unseal }
    const { log, recovery } = await Log.open(settings, context)
    try {
      assertBelongsTogether(marker.log, { directory: settings.directory, ...log.extent })
      if (log.nextSequence > applied + 1) {
        if (settings.readOnly) throw needsReplay(settings.directory)
        await replayLog(log, backend, marker)
      }
    } catch (error) {
      await log.close()
      throw error
    }
    return { log: new StoreLog(log, backend, marker, settings, recovery, values), marker }
  }

  /** The backend keeps nothing: the log has it all. */
  static async #openInstead(backend: AnyLevel, settings: WalSettings) {
    const values = new LoggedValues()
    const { log, recovery } = await Log.open(settings, { unseal: values.unseal })
    try {
      await loadLog(log, backend, settings.directory)
      const marker = await MarkerState.load(backend, log.storeId)
      const storeLog = new StoreLog(log, backend, marker, settings, recovery, values)
      const isNew = log.nextSequence === 1 && log.snapshot === undefined
      // What the backend held before has to be in the log before anything else is.
      if (isNew && marker.guard.plainValues && !settings.readOnly) await storeLog.#takeSnapshot(0)
      return { log: storeLog, marker }
    } catch (error) {
      await log.close()
      throw error
    }
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

  /** Call before the first append: from then on the backend says that the log may be ahead of it. */
  async begin(): Promise<void> {
    if (this.#begun) return
    if (this.permanent) {
      const marker = this.#marker
      // The marker is there before the log, and says that the log may be ahead only when the log is there: else a crash between would
      // look as if the log had been taken away.
      if (!marker.isStored) await this.#saveMarker()
      await this.#log.ensureSegment()
      marker.update({ logExists: true, logDirty: true })
      await this.#saveMarker()
    }
    this.#begun = true
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

  /** Call between two backend batches, when the backend has all that was logged so far. */
  afterBatch(): void {
    if (this.permanent) return this.#collect()
    const { segmentBytes } = this.#settings
    const due = this.#log.bytes > Math.max(segmentBytes, SNAPSHOT_FACTOR * this.#snapshotBytes + segmentBytes)
    if (!due || this.#snapshot !== undefined) return
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

  /** @param sequence the last record there is; the backend has all of them */
  async close(clean: boolean): Promise<void> {
    await this.settled()
    try {
      if (clean && this.permanent && this.#begun) {
        this.#marker.update({ applied: this.#log.nextSequence - 1, logDirty: false })
        await this.#saveMarker()
        this.#collect()
        await this.#collecting
      }
    } finally {
      await this.#log.close()
    }
  }

  #append(records: readonly LogRecord[], sync: boolean): Promise<number> {
    const marker = this.permanent ? undefined : this.#marker.unsaved
    const all = marker === undefined ? records : [Record.put(MARKER_KEY, marker), ...records]
    return new Promise((resolve, reject) => {
      this.#log.appendBatch(
        all,
        sync,
        (frame, { index, count }) => resolve(frame.firstSequence + index + count - 1),
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
    const segment = this.#log.segmentAbove(this.#marker.log.applied)
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
    const entries = this.#backend.iterator({ ...AS_BYTES, fillCache: false } as object) as AsyncIterable<
      [Uint8Array, Uint8Array]
    >
    const writer = this.#log.snapshotWriter()
    const { segment } = await writer.begin(sequence)
    for await (const [key, value] of entries) await writer.add(storedRecord(asBuffer(key), value))
    this.#snapshotBytes = await writer.end()
    await this.#log.deleteSegmentsBefore({ segment })
  }
}

/** Opens what the store's own log holds. How is known only once the backend's marker has been read. */
class LoggedValues {
  opener: Unseal | undefined

  readonly unseal: Unseal = envelope => this.opener!(envelope)
}

/** Values are sealed already: they are logged, and given to the backend, as they are. */
function recordOf(operation: Operation): LogRecord {
  if (operation.type === 'del') return Record.delete(operation.key)
  return storedRecord(operation.key, operation.value as Buffer)
}

function storedRecord(key: Buffer, value: Uint8Array): LogRecord {
  return isReserved(key) ? Record.put(key, value) : sealedPut(key, value)
}

function settingsFor(backend: AnyLevel, options: WalOptions): { settings: WalSettings; ownerIsDead: boolean } {
  const { location } = backend as { location?: string }
  if (options.dir === undefined && location === undefined) {
    throw invalidOption(
      "The backend has no directory of its own: say where its log is to be, as in { wal: './my-log' }"
    )
  }
  const settings = resolveWalOptions({ ...options, dir: options.dir ?? join(location!, DIRECTORY) })
  if (settings.recovery === 'salvage')
    throw invalidOption("A store cannot be opened with recovery: 'salvage': open the log alone with it")
  // LevelDB has locked its directory, and the log in it with that: whoever left a lock in the log is gone.
  return { settings, ownerIsDead: options.dir === undefined && isLevelDb(backend) }
}

function needsReplay(directory: string): Error {
  return notSupported(
    `The log in ${directory} holds writes that the backend has not, and with readOnly it cannot get them: open the store once without`
  )
}

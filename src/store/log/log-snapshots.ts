import type { Log } from '../../wal/log.js'
import type { AnyLevel } from '../backend/any-level.js'
import { asBuffer, AS_BYTES } from '../backend/as-bytes.js'
import { isReserved } from '../backend/reserved-keys.js'
import type { MarkerState } from '../marker-state.js'
import { MARKER_KEY } from '../marker.js'
import type { Unsealer } from '../reading/unsealer.js'
import type { BackgroundTask } from './background-task.js'
import { storedRecord } from './records.js'

/** The backend is swept for the next snapshot when the log has come so far on the way to where the snapshot is due. */
const SWEEP_SHARE = 0.75

/**
 * A snapshot is due when the log has this many segments more than its growth would fill: every session that writes leaves one, however short, and
 * opening the log reads each.
 */
const MAX_SHORT_SEGMENTS = 64

interface LogSnapshotsContext {
  readonly log: Log
  readonly backend: AnyLevel
  readonly segmentBytes: number
  /** Says what a reader would see: nothing else goes into a snapshot. */
  readonly unsealer: Unsealer
  readonly background: BackgroundTask
  readonly marker: MarkerState
}

/** Where the log is the database: writes snapshots of all live entries into the log, so that older segments can be deleted. */
export class LogSnapshots {
  readonly #context: LogSnapshotsContext
  /** `log.appendedBytes` when the last snapshot began; below 0 if that was before the log was opened. */
  #appendedBefore: number
  #snapshotBytes: number
  /** How many segments there were after the last snapshot; of one from before the log was opened, how many it fills. */
  #segmentsBefore: number
  #sweeping = false
  /** Whether the backend has been swept since the last snapshot. */
  #isSwept = false
  /** Sweeps the backend; never rejects. If there is one, a snapshot waits for it, but not longer than until it is due. */
  sweep: (() => Promise<void>) | undefined

  constructor(context: LogSnapshotsContext) {
    this.#context = context
    const { log } = context
    this.#snapshotBytes = log.snapshot?.bytes ?? 0
    this.#appendedBefore = this.#snapshotBytes - log.bytes
    this.#segmentsBefore = Math.ceil(this.#snapshotBytes / context.segmentBytes)
  }

  /**
   * Call between two backend batches.
   *
   * @param applied the last record that the backend has; it has all before as well
   */
  afterBatch(applied: number): void {
    const { log, segmentBytes, background } = this.#context
    const grown = log.appendedBytes - this.#appendedBefore
    const shortSegments = log.segmentCount - this.#segmentsBefore - grown / segmentBytes
    const share = Math.max(grown / (this.#snapshotBytes + segmentBytes), shortSegments / MAX_SHORT_SEGMENTS)
    if (share > 1 || (share > SWEEP_SHARE && this.#isSwept)) background.start(() => this.write(applied))
    else if (share > SWEEP_SHARE) void this.#sweep()
  }

  async #sweep(): Promise<void> {
    if (this.sweep === undefined || this.#sweeping) return
    const before = this.#appendedBefore
    this.#sweeping = true
    await this.sweep()
    this.#sweeping = false
    this.#isSwept = this.#appendedBefore === before
  }

  /** Writes everything that is live into the log, and deletes segments before it. The backend has all records up to `sequence`, and no others. */
  async write(sequence: number): Promise<void> {
    const { log, backend, unsealer, marker } = this.#context
    const entries = backend.iterator<Buffer, Uint8Array>({ ...AS_BYTES, fillCache: false } as object)
    // A marker that the backend may not have yet. Records that the backend lacks may need it, and the segment that has it may be deleted.
    const { unsaved } = marker
    this.#appendedBefore = log.appendedBytes
    this.#segmentsBefore = log.segmentCount
    this.#isSwept = false
    try {
      const writer = log.snapshotWriter()
      const { segment } = await writer.begin(sequence)
      if (unsaved !== undefined) await writer.add(storedRecord(MARKER_KEY, unsaved))
      for await (const [key, value] of entries) {
        if (unsaved !== undefined && MARKER_KEY.equals(key)) continue
        if (isReserved(key) || unsealer.isVisible(value)) await writer.add(storedRecord(asBuffer(key), value))
      }
      this.#snapshotBytes = await writer.end()
      // Segments before the snapshot stay if they have records that the backend lacks.
      await log.deleteSegmentsBefore({ segment: Math.min(segment, log.segmentAbove(sequence)) })
      this.#segmentsBefore = log.segmentCount
    } finally {
      await entries.close()
    }
  }
}

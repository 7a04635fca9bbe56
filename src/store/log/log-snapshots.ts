import type { Log } from '../../wal/log.js'
import type { AnyLevel } from '../backend/any-level.js'
import { asBuffer, AS_BYTES } from '../backend/as-bytes.js'
import { isReserved } from '../backend/reserved-keys.js'
import type { MarkerState } from '../marker-state.js'
import { MARKER_KEY } from '../marker.js'
import type { Unsealer } from '../reading/unsealer.js'
import type { BackgroundTask } from './background-task.js'
import { storedRecord } from './records.js'

/** Values are swept for the next snapshot when the log has grown by this share of what makes the snapshot due. */
const SWEEP_SHARE = 0.75

interface LogSnapshotsContext {
  readonly log: Log
  readonly backend: AnyLevel
  readonly segmentBytes: number
  /** Says what a reader would see: nothing else goes into a snapshot. */
  readonly unsealer: Unsealer
  readonly background: BackgroundTask
  readonly marker: MarkerState
}

/** Writes snapshots of what is live into a log that is the database, so that older segments can go. */
export class LogSnapshots {
  readonly #context: LogSnapshotsContext
  /** How much was appended when the last snapshot began; below 0 if that was before the log was opened. */
  #appendedBefore: number
  #snapshotBytes: number
  #sweeping = false
  /** Whether the values of the next snapshot have been swept. */
  #isSwept = false
  /** Sweeps the backend; never rejects. Where there is one, a snapshot waits for it as long as the log may grow. */
  sweep: (() => Promise<void>) | undefined

  constructor(context: LogSnapshotsContext) {
    this.#context = context
    const { log } = context
    this.#snapshotBytes = log.snapshot?.bytes ?? 0
    this.#appendedBefore = this.#snapshotBytes - log.bytes
  }

  /**
   * Call between two backend batches.
   *
   * @param applied the last record that the backend has, and it has all before
   */
  afterBatch(applied: number): void {
    const { log, segmentBytes, background } = this.#context
    const share = (log.appendedBytes - this.#appendedBefore) / (this.#snapshotBytes + segmentBytes)
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

  /** Writes everything that is live into the log, and lets go of what lies before. The backend is at `sequence` now. */
  async write(sequence: number): Promise<void> {
    const { log, backend, unsealer, marker } = this.#context
    const entries = backend.iterator<Buffer, Uint8Array>({ ...AS_BYTES, fillCache: false } as object)
    // A marker that the backend may not have yet. Records that it lacks may need it, and the segment that has it is deleted.
    const { unsaved } = marker
    this.#appendedBefore = log.appendedBytes
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
      // A record that the backend lacks may lie before the snapshot.
      await log.deleteSegmentsBefore({ segment: Math.min(segment, log.segmentAbove(sequence)) })
    } finally {
      await entries.close()
    }
  }
}

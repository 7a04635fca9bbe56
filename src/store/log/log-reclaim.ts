import type { Log } from '../../wal/log.js'
import type { AnyLevel } from '../any-level.js'
import { asBuffer, AS_BYTES } from '../as-bytes.js'
import type { MarkerState } from '../marker-state.js'
import { isReserved } from '../reserved-keys.js'
import { storedRecord } from './records.js'

/** A segment that the backend needs no more is ended and deleted from this size on, though there is room in it. */
const MIN_ROLL_BYTES = 1024 * 1024

/** The same at a clean close, where nothing waits for the fsyncs of a new segment. Less would free no block of a file system. */
const MIN_CLOSE_ROLL_BYTES = 4096

/** The values that a snapshot will have are swept when the log has grown by this share of what makes one due. */
const SWEEP_SHARE = 0.75

/** A deletion of segments that failed, or that a reader held up, is tried again after so long. */
const COLLECT_INTERVAL_MS = 60_000

export interface LogReclaimContext {
  readonly log: Log
  readonly backend: AnyLevel
  readonly marker: MarkerState
  /** Whether the backend keeps what it has. */
  readonly permanent: boolean
  readonly readOnly: boolean
  readonly segmentBytes: number
  /** Whether a reader would see a stored value: a snapshot has no others. */
  readonly isVisible: (stored: Uint8Array) => boolean
  /** A snapshot begins: what the log said before, and no snapshot says, has to be said again. */
  readonly onSnapshot: () => void
}

/**
 * Keeps a store's log short. Over a backend that keeps what it has, segments go when it has what is in them. Over one that does not, a
 * snapshot of what is live lets those before it go. That either fails costs space, not data: it is tried again.
 */
export class LogReclaim {
  readonly #context: LogReclaimContext
  /** How much was appended when the last snapshot began; below 0 where that was before the log was opened. */
  #appendedAtSnapshot: number
  #snapshotBytes: number
  /** A deletion or snapshot under way. */
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #sweeping = false
  /** Whether the values of the next snapshot have been swept. */
  #isSwept = false
  /** Sweeps the backend; never rejects. Where there is one, a snapshot waits for it as long as the log may grow. */
  sweep: (() => Promise<void>) | undefined
  /** Why the last one failed. */
  lastError: unknown

  constructor(context: LogReclaimContext) {
    this.#context = context
    const { log, permanent, readOnly } = context
    this.#snapshotBytes = log.snapshot?.bytes ?? 0
    this.#appendedAtSnapshot = this.#snapshotBytes - log.bytes
    if (permanent && !readOnly) this.#timer = setInterval(() => this.#collect(false), COLLECT_INTERVAL_MS).unref()
  }

  /**
   * Call between two backend batches.
   *
   * @param applied the last record that the backend has, and it has all before
   */
  afterBatch(applied: number): void {
    const { log, marker, permanent, segmentBytes } = this.#context
    if (permanent) {
      const allApplied = marker.savedApplied === log.nextSequence - 1
      return this.#collect(allApplied && log.openSegmentBytes >= MIN_ROLL_BYTES)
    }
    const share = (log.appendedBytes - this.#appendedAtSnapshot) / (this.#snapshotBytes + segmentBytes)
    if (share > 1 || (share > SWEEP_SHARE && this.#isSwept)) this.#run(() => this.snapshot(applied))
    else if (share > SWEEP_SHARE) void this.#sweep()
  }

  async #sweep(): Promise<void> {
    if (this.sweep === undefined || this.#sweeping) return
    const before = this.#appendedAtSnapshot
    this.#sweeping = true
    await this.sweep()
    this.#sweeping = false
    this.#isSwept = this.#appendedAtSnapshot === before
  }

  /** Call when the backend has everything, and the marker says so. */
  async atCleanClose(): Promise<void> {
    await this.idle()
    this.#collect(this.#context.log.openSegmentBytes >= MIN_CLOSE_ROLL_BYTES)
    await this.idle()
  }

  /**
   * Lets go of everything up to a record.
   *
   * @param flush lets the backend have what was logged so far
   * @returns whether it is gone: a reader may hold it up, or a deletion fail, which is tried again later
   */
  async forget(sequence: number, flush: () => Promise<void>): Promise<boolean> {
    const { log } = this.#context
    while (this.#running !== undefined) await this.#running
    if (log.firstSequence <= sequence) {
      this.#run(async () => {
        await log.roll() // Before the flush, which then covers all that is in the segment.
        await flush()
        await this.#deleteApplied()
      })
      await this.idle()
    }
    return log.firstSequence > sequence
  }

  /** Resolves when what runs beside the writes has ended. */
  async idle(): Promise<void> {
    await this.#running
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Writes everything that is live into the log, and lets go of what lies before. The backend is at `sequence` now. */
  async snapshot(sequence: number): Promise<void> {
    const { log, backend, isVisible, onSnapshot } = this.#context
    const entries = backend.iterator<Buffer, Uint8Array>({ ...AS_BYTES, fillCache: false } as object)
    onSnapshot()
    this.#appendedAtSnapshot = log.appendedBytes
    this.#isSwept = false
    try {
      const writer = log.snapshotWriter()
      const { segment } = await writer.begin(sequence)
      for await (const [key, value] of entries) {
        if (isReserved(key) || isVisible(value)) await writer.add(storedRecord(asBuffer(key), value))
      }
      this.#snapshotBytes = await writer.end()
      // What the backend had not yet may lie before it.
      await log.deleteSegmentsBefore({ segment: Math.min(segment, log.segmentAbove(sequence)) })
    } finally {
      await entries.close()
    }
  }

  /**
   * Deletes the segments that the backend needs no more.
   *
   * @param roll the open segment as well: the next record begins another
   */
  #collect(roll: boolean): void {
    const { log, marker } = this.#context
    if (!roll && log.segmentAbove(marker.savedApplied) <= log.firstSegment) return
    this.#run(async () => {
      if (roll) await log.roll()
      await this.#deleteApplied()
    })
  }

  /** The backend may get more meanwhile. A segment that a reader holds up waits for the next time. */
  async #deleteApplied(): Promise<void> {
    const { log, marker } = this.#context
    for (let deleted = 1; deleted > 0;) {
      deleted = await log.deleteSegmentsBefore({ segment: log.segmentAbove(marker.savedApplied) })
    }
  }

  /** One at a time. */
  #run(work: () => Promise<void>): void {
    if (this.#running !== undefined) return
    this.#running = work()
      .catch((error: unknown) => {
        this.lastError = error
      })
      .finally(() => {
        this.#running = undefined
      })
  }
}

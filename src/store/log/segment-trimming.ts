import { setInterval } from 'node:timers'
import { FRAME_HEADER_BYTES, SEAL_BYTES } from '../../wal/format/format.js'
import type { Log } from '../../wal/log.js'
import type { MarkerState } from '../marker-state.js'
import type { BackgroundTask } from './background-task.js'

/** A segment that the backend no longer needs is ended and deleted from this size on, though there is room in it. */
const MIN_ROLL_BYTES = 1024 * 1024

/**
 * Enough to end a segment at a clean close, where nothing waits for the fsyncs of a new one: 4 KiB with the seal that it gets then. Less would free
 * no block of a file system.
 */
const MIN_CLOSE_ROLL_BYTES = 4096 - FRAME_HEADER_BYTES - SEAL_BYTES

/** When a deletion that failed, or that a reader held up, is tried again. */
const INTERVAL_MS = 60_000

/** Deletes the segments of which the backend has everything. Over a backend that keeps what it has, that keeps the log short. */
export class SegmentTrimming {
  readonly #log: Log
  readonly #marker: MarkerState
  readonly #background: BackgroundTask
  readonly #timer: NodeJS.Timeout

  constructor(log: Log, marker: MarkerState, background: BackgroundTask) {
    this.#log = log
    this.#marker = marker
    this.#background = background
    this.#timer = setInterval(() => this.#trim(false), INTERVAL_MS)
    this.#timer.unref()
  }

  /** Call between two backend batches. */
  afterBatch(): void {
    const log = this.#log
    const allApplied = this.#marker.savedApplied === log.nextSequence - 1
    this.#trim(allApplied && log.openSegmentBytes >= MIN_ROLL_BYTES)
  }

  /** Call when the backend has everything, and the marker says so. */
  async atCleanClose(): Promise<void> {
    // If nothing was written since, the last segment may be one that a crash left, perhaps during a clean close: it would be read back at every opening.
    this.#trim(this.#log.lastSegmentBytes >= MIN_CLOSE_ROLL_BYTES)
    await this.#background.idle()
  }

  /**
   * Lets go of everything up to a record.
   *
   * @param flush lets the backend have what was logged so far
   * @returns whether it is gone: a reader may hold it up, or a deletion fail, which is tried again later
   */
  async forget(sequence: number, flush: () => Promise<void>): Promise<boolean> {
    const log = this.#log
    await this.#background.run(async () => {
      if (log.firstSequence > sequence) return
      await log.roll() // Before the flush, which then covers all that is in the segment.
      await flush()
      await this.#deleteApplied()
    })
    return log.firstSequence > sequence
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** @param roll the open segment as well: the next record begins another */
  #trim(roll: boolean): void {
    const [log, marker] = [this.#log, this.#marker]
    if (!roll && log.segmentAbove(marker.savedApplied) <= log.firstSegment) return
    this.#background.start(async () => {
      if (roll) await log.roll()
      await this.#deleteApplied()
    })
  }

  async #deleteApplied(): Promise<void> {
    const [log, marker] = [this.#log, this.#marker]
    // The backend may get more during a deletion. A segment that a reader holds up waits for the next call.
    for (let deleted = 1; deleted > 0;) {
      deleted = await log.deleteSegmentsBefore({ segment: log.segmentAbove(marker.savedApplied) })
    }
  }
}

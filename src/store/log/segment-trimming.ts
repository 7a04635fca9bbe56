import { clearInterval, setInterval } from 'node:timers'
import { FRAME_HEADER_BYTES, SEAL_BYTES } from '../../wal/format/format.js'
import type { Log } from '../../wal/log.js'
import type { MarkerState } from '../marker-state.js'
import type { BackgroundTask } from './background-task.js'

/** If the backend has everything, the open segment is ended and deleted once it has this size, although there is still room in it. */
const MIN_ROLL_BYTES = 1024 * 1024

/**
 * The same at a clean close, where no call waits for the fsyncs of a new segment: 4 KiB with the seal that the segment gets then. Deleting a
 * smaller file would free no block of the file system.
 */
const MIN_CLOSE_ROLL_BYTES = 4096 - FRAME_HEADER_BYTES - SEAL_BYTES

/** How often deletions are tried again that failed, or that a reader held up. */
const INTERVAL_MS = 60_000

/** Deletes the segments whose records the backend has, which keeps the log short. Only over a backend that keeps its contents. */
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
    const allApplied = this.#applied === log.nextSequence - 1
    this.#trim(allApplied && log.openSegmentBytes >= MIN_ROLL_BYTES)
  }

  /** Call when the backend has everything, and the marker says so. */
  async atCleanClose(): Promise<void> {
    // Not `openSegmentBytes`: if nothing was written, the last segment may be one that a crash left, which would be read again at every opening.
    this.#trim(this.#log.lastSegmentBytes >= MIN_CLOSE_ROLL_BYTES)
    await this.#background.idle()
  }

  /**
   * Deletes all segments that have records up to a number.
   *
   * @param flush writes everything logged so far to the backend
   * @returns whether they are gone; if a reader holds them up, or a deletion fails, that is tried again later
   */
  async forget(sequence: number, flush: () => Promise<void>): Promise<boolean> {
    const log = this.#log
    await this.#background.run(async () => {
      if (log.firstSequence > sequence) return
      await log.roll() // Before the flush: then the backend has everything that is in the segment.
      await flush()
      await this.#deleteApplied()
    })
    return log.firstSequence > sequence
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** @param roll whether to end the open segment first, so that it is deleted as well */
  #trim(roll: boolean): void {
    const log = this.#log
    if (!roll && log.segmentAbove(this.#applied) <= log.firstSegment) return
    this.#background.start(async () => {
      if (roll) await log.roll()
      await this.#deleteApplied()
    })
  }

  /** The last record that the backend is known to have. */
  get #applied(): number {
    return this.#marker.stored?.applied ?? 0
  }

  async #deleteApplied(): Promise<void> {
    const log = this.#log
    // Again and again, since the backend may get more during a deletion. A segment that a reader holds up waits for the next call.
    for (let deleted = 1; deleted > 0;) {
      deleted = await log.deleteSegmentsBefore({ segment: log.segmentAbove(this.#applied) })
    }
  }
}

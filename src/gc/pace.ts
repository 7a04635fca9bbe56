import { MAX_INTERVAL_MS } from '../option-checks.js'

/**
 * While there is other work, a sweep rests this many times as long as the last chunk took. If it rested only as long as that, far more than one get
 * in a hundred would have to wait while a value is compressed.
 */
const REST = 4
/** The longest rest, in ms, so that a sweep always goes on. */
const MAX_REST_MS = 250

/** Keeps a sweep to a rate, and out of the way of other work. */
export class Pace {
  readonly #bytesPerSecond: number
  readonly #began = performance.now()
  #bytes = 0
  #lastAt = this.#began

  /** @param bytesPerSecond the most bytes of stored values to sweep in a second; Infinity for no limit */
  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond
  }

  /**
   * How long to pause, in ms, after a chunk.
   *
   * @param bytes of the chunk
   * @param busy whether there was other work meanwhile: then the sweep rests
   */
  pauseAfter(bytes: number, busy: boolean): number {
    const now = performance.now()
    const took = now - this.#lastAt
    this.#bytes += bytes
    const due = (this.#bytes / this.#bytesPerSecond) * 1000 - (now - this.#began)
    return Math.min(MAX_INTERVAL_MS, Math.max(due, busy ? Math.min(REST * took, MAX_REST_MS) : 0))
  }

  /** Call when the pause is over. */
  resume(): void {
    this.#lastAt = performance.now()
  }
}

import { Lane } from '../../lane.js'
import type { WalObserver } from '../observer.js'
import type { Segments } from './segments.js'

/** Deletes segments, one call after another: it must not be left to chance which of two files is gone after a power cut. */
export class SegmentDeletion {
  readonly #segments: Segments
  readonly #observer: WalObserver
  readonly #lane = new Lane()

  constructor(segments: Segments, observer: WalObserver) {
    this.#segments = segments
    this.#observer = observer
  }

  /** Deletes the segments below an id, oldest first, and stops at one that is being read. Returns how many were deleted. */
  before(id: number): Promise<number> {
    return this.#lane.run(() => this.#deleteBefore(id))
  }

  /** Resolves when all calls so far have ended. */
  settled(): Promise<void> {
    return this.#lane.idle()
  }

  async #deleteBefore(id: number): Promise<number> {
    const start = performance.now()
    let deleted = 0
    try {
      await this.#segments.deleteBefore(id, () => deleted++)
    } finally {
      if (deleted > 0) this.#observer.deleted(deleted, performance.now() - start)
    }
    return deleted
  }
}

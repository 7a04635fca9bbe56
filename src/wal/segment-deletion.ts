import type { WalObserver } from './observer.js'
import type { Segments } from './segments.js'

/** Deletes segments one call after another: which of two files is gone first after a power cut must not be left to chance. */
export class SegmentDeletion {
  readonly #segments: Segments
  readonly #observer: WalObserver
  #last: Promise<unknown> = Promise.resolve()

  constructor(segments: Segments, observer: WalObserver) {
    this.#segments = segments
    this.#observer = observer
  }

  /** Deletes the segments below an id, oldest first, up to one that is being read. Returns how many. */
  before(id: number): Promise<number> {
    const deleted = this.#last.then(() => this.#deleteBefore(id))
    this.#last = deleted.catch(() => {})
    return deleted
  }

  /** Resolves when all calls so far have ended. */
  async settled(): Promise<void> {
    await this.#last
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

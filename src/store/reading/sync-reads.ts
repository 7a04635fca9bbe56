/** What a get saves that does not go to another thread and back, in ms: measured 40 to 100 µs, most of it until that thread is awake. */
const TRIP_MS = 0.05
/** This many gets go to other threads at first, which tells whether values are small, and again after a large value or a failure. */
const TRIALS = 20
const LARGE_BYTES = 64 * 1024
/** A slow read costs at most this many times the trips that would have fitted into it. */
const MAX_FACTOR = 64
/** In trips. Quick reads may pay in advance for an accident of 1 ms (V8's collector, another process), not for many reads of a disk. */
const MAX_CREDIT = 20
/** In trips, as many gets as go to other threads at most before one may try again. */
const MAX_DEBT = 20_000

/**
 * Whether a get reads on the calling thread. From the page cache that takes 10 µs, and the trip to another thread 50 and more; from a disk it may
 * take many ms, while nothing else would run. So an account is kept in trips: a quick read earns what it saved, a slow one costs as many as would
 * have fitted into it, twice as many each time until quick ones have earned all they can; while it is in debt, gets go to other threads and pay.
 */
export class SyncReads {
  #balance = -TRIALS
  #factor = 1

  /** @returns false if the get is to go to another thread; it has paid then */
  mayRead(): boolean {
    if (this.#balance >= 0) return true
    this.#balance++
    return false
  }

  /** @param read is called at once, on this thread */
  read<T>(read: () => T): T {
    const start = performance.now()
    try {
      return read()
    } catch (error) {
      this.#stayAway()
      throw error
    } finally {
      this.#took((performance.now() - start) / TRIP_MS)
    }
  }

  /** What another thread has read: a large value takes time to copy, too. */
  noticeSize(stored: Uint8Array | undefined): void {
    if (stored !== undefined && stored.length >= LARGE_BYTES) this.#stayAway()
  }

  #took(trips: number): void {
    if (trips <= 1) {
      this.#balance = Math.min(MAX_CREDIT, this.#balance + 1 - trips)
      if (this.#balance === MAX_CREDIT) this.#factor = 1
    } else {
      this.#balance = Math.max(-MAX_DEBT, this.#balance - trips * this.#factor)
      this.#factor = Math.min(MAX_FACTOR, this.#factor * 2)
    }
  }

  #stayAway(): void {
    this.#balance = Math.min(this.#balance, -TRIALS)
  }
}

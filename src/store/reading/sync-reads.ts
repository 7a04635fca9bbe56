/** The time in ms that a get saves which makes no trip to another thread and back: measured 40 to 100 µs, most of it for waking that thread. */
const TRIP_MS = 0.05
/** This many gets go to other threads at first, which shows whether values are small, and again after a large value or a failure. */
const TRIALS = 20
const LARGE_BYTES = 64 * 1024
/** A slow read costs at most this many times the trips that fit into its time. */
const MAX_FACTOR = 64
/** In trips. Fast reads can save up for an accident of 1 ms (V8's garbage collector, another process), but not for many reads of a disk. */
const MAX_CREDIT = 20
/** In trips: at most this many gets go to other threads before one is tried on the calling thread again. */
const MAX_DEBT = 20_000

/**
 * Decides whether a get is read on the calling thread. If the value is in the page cache that takes 10 µs, and the trip to another thread 50 or more;
 * but from a disk it may take many ms, during which nothing else runs.
 *
 * So there is an account, kept in trips to another thread. A read that is faster than a trip earns what it saved. A slower one costs the trips that
 * fit into its time, times a factor that doubles with every slow read, until fast reads have earned the most they can. While the account is in
 * debt, gets go to other threads, and each pays back one trip.
 */
export class SyncReads {
  #balance = -TRIALS
  #factor = 1

  /** Decides for one get. @returns false if it is to go to another thread, which pays back one trip of the debt */
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

  /** Call with what another thread has read: copying a large value takes time as well. */
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

/** What a get saves that does not go to another thread and back, in ms: measured 40 to 100 µs, most of it until that thread is awake. */
const TRIP_MS = 0.05
/** So many gets go to other threads at first: they tell whether values are small. And so many after a large value, or a failure. */
const TRIALS = 20
const LARGE_BYTES = 64 * 1024
/** How much more than its trips a slow read costs that is no accident. */
const MAX_FACTOR = 64
/** Trips. Quick reads pay in advance for an accident of 1 ms, V8's collection or another process, not for many reads of a disk. */
const MAX_CREDIT = 20
/** Trips: how many gets go to other threads at most before the next one may try again. */
const MAX_DEBT = 20_000

/**
 * Whether a get reads on the calling thread. From the page cache that takes 10 µs, and the trip to another thread 50 and more; from a disk it may
 * take many ms, while nothing else would run. So an account is kept in trips: a quick read earns what it saved, a slow one costs as many as would
 * have fitted into it, twice as many each time until quick ones have earned all they can; while it is in debt, gets go to other threads and pay.
 */
export class SyncReads {
  #balance = -TRIALS
  #factor = 1

  /** Where not, the get goes to another thread, and has paid. */
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

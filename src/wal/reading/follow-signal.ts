/** Wakes readers that wait at the end of the log, when there are new records or the log is closed. */
export class FollowSignal {
  #waiting: (() => void)[] = []
  #closed = false
  #news = 0
  /** The same listener for all readers that share an AbortSignal: with more than ten listeners Node.js would warn of a leak. */
  readonly #wakeAll = () => this.notify()

  /** Goes up with every `notify`. Read it before looking for more, and `wait` with it. */
  get news(): number {
    return this.#news
  }

  get closed(): boolean {
    return this.#closed
  }

  notify(): void {
    this.#news++
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  close(): void {
    this.#closed = true
    this.notify()
  }

  /** Resolves when `news` is above `seen`, at `close`, or when `signal` is aborted. */
  wait(seen: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      if (this.#news > seen || this.#closed || signal?.aborted) return resolve()
      signal?.addEventListener('abort', this.#wakeAll)
      this.#waiting.push(() => {
        signal?.removeEventListener('abort', this.#wakeAll)
        resolve()
      })
    })
  }
}

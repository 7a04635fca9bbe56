/** Wakes readers that wait at the end of the log, when there is more or nothing more will come. */
export class FollowSignal {
  #waiting = new Set<() => void>()
  #closed = false
  #news = 0

  /** Goes up with every `notify`. Read it before looking for more, and `wait` with it. */
  get news(): number {
    return this.#news
  }

  get closed(): boolean {
    return this.#closed
  }

  notify(): void {
    this.#news++
    if (this.#waiting.size === 0) return
    const waiting = this.#waiting
    this.#waiting = new Set()
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
      const wake = () => {
        this.#waiting.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }
}

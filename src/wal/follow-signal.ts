/** Tells readers at the end of the log that there is more, or that nothing more will come. */
export class FollowSignal {
  #waiting = new Set<() => void>()
  #closed = false

  get closed(): boolean {
    return this.#closed
  }

  notify(): void {
    if (this.#waiting.size === 0) return
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  close(): void {
    this.#closed = true
    this.notify()
  }

  /** Resolves at the next `notify` or `close`, or when `signal` is aborted. */
  wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      if (this.#closed || signal?.aborted) return resolve()
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

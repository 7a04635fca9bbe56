/** Calls `sync` `intervalMs` after a request, once for all requests that come until then. Does not keep the process alive. */
export class IntervalSync {
  readonly #intervalMs: number
  readonly #sync: () => Promise<void>
  #timer: NodeJS.Timeout | undefined

  constructor(intervalMs: number, sync: () => Promise<void>) {
    this.#intervalMs = intervalMs
    this.#sync = sync
  }

  /** Call when there is something to sync. */
  request(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#sync().catch(() => {}) // A failed fsync poisons the log: the next append throws the error.
    }, this.#intervalMs)
    this.#timer.unref?.() // jsdom's timers are numbers.
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** Calls `sync` once for all requests within `intervalMs` of the first. Does not keep the process alive. */
export class IntervalSync {
  readonly #intervalMs: number
  readonly #sync: () => Promise<void>
  #timer: NodeJS.Timeout | undefined

  constructor(intervalMs: number, sync: () => Promise<void>) {
    this.#intervalMs = intervalMs
    this.#sync = sync
  }

  /** To be called when there is something to sync. */
  request(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#sync().catch(() => {}) // It poisons the log: the next write throws it.
    }, this.#intervalMs)
    this.#timer.unref?.() // jsdom's timers are numbers.
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

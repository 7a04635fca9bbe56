/** Calls `sync` once, within `milliseconds` of the first time it was asked to. Does not keep the process alive. */
export class IntervalSync {
  readonly #milliseconds: number
  readonly #sync: () => Promise<void>
  #timer: NodeJS.Timeout | undefined

  constructor(milliseconds: number, sync: () => Promise<void>) {
    this.#milliseconds = milliseconds
    this.#sync = sync
  }

  /** There is something to sync. */
  request(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#sync().catch(() => {}) // The log is poisoned by it: whoever writes next is told.
    }, this.#milliseconds)
    this.#timer.unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

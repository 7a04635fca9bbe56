/** Runs work that keeps a log short, in the background, one piece at a time. Work that fails costs space, not data, and is tried again later. */
export class BackgroundTask {
  #running: Promise<void> | undefined
  /** The error of the last piece of work that failed. */
  lastError: unknown

  /** Starts `work`; does nothing if other work is under way. */
  start(work: () => Promise<void>): void {
    this.#running ??= work()
      .catch((error: unknown) => {
        this.lastError = error
      })
      .finally(() => {
        this.#running = undefined
      })
  }

  /** Runs `work` after what is under way. Resolves when it has ended, even if it has failed. */
  async run(work: () => Promise<void>): Promise<void> {
    while (this.#running !== undefined) await this.#running
    this.start(work)
    await this.#running
  }

  /** Resolves when what is under way has ended. */
  async idle(): Promise<void> {
    await this.#running
  }
}

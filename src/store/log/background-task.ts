/** Work that keeps a log short, beside the writes, one piece at a time. A failure costs space, not data: it is tried again. */
export class BackgroundTask {
  #running: Promise<void> | undefined
  /** Why the last one that failed did. */
  lastError: unknown

  /** Starts `work`, unless some is under way: then it is left out. */
  start(work: () => Promise<void>): void {
    this.#running ??= work()
      .catch((error: unknown) => {
        this.lastError = error
      })
      .finally(() => {
        this.#running = undefined
      })
  }

  /** Runs `work` after what is under way. Resolves when it has ended, however it did. */
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

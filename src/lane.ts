/** Runs pieces of work one after another, in the order of the calls. One that fails rejects its own call, and the next goes on. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }

  /** Resolves when all work has ended that was handed in before. */
  async idle(): Promise<void> {
    await this.#last
  }
}

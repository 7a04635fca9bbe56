/** Runs pieces of work one after another, in the order of the calls. If one fails, its own call is rejected, and the next piece is run. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }

  /** Resolves when all work that was handed in before has ended. */
  async idle(): Promise<void> {
    await this.#last
  }
}

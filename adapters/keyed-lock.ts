/** Runs work that is given for keys: for each key one piece at a time, first come, first served. */
export class KeyedLock {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Keys for which work is under way or waits. */
  keys(): Iterable<string> {
    return this.#last.keys()
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const turn = before === undefined ? work() : before.then(work, work)
    this.#last.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key)
    }
  }
}

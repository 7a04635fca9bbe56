/** One piece of work at a time for each id, first come, first served. */
export class IdLocks {
  readonly #last = new Map<string, Promise<unknown>>()

  run<T>(id: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(id) ?? Promise.resolve()).then(work)
    const settled = turn
      .catch(() => {})
      .then(() => {
        if (this.#last.get(id) === settled) this.#last.delete(id)
      })
    this.#last.set(id, settled)
    return turn
  }
}

/**
 * Fsyncs of a file, several under way at once. Of bytes that it could not write the system tells only one of the calls that are under
 * way, whichever they were: so one counts when all that ran beside it have succeeded, and none does after one has failed.
 */
export class OverlappingSyncs {
  /** What the system is at. */
  readonly #calls = new Set<Promise<void>>()
  /** What callers wait for. */
  readonly #outcomes = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  /** Calls of the system that have not returned. */
  get underWay(): number {
    return this.#calls.size
  }

  /** Whether nobody waits for one. */
  get areSettled(): boolean {
    return this.#outcomes.size === 0
  }

  /**
   * @param succeeded called before the promise resolves
   * @returns rejects with what the first that failed was rejected with
   */
  run(sync: () => Promise<void>, succeeded: () => void): Promise<void> {
    const outcome = this.#run(sync, succeeded)
    const forget = () => void this.#outcomes.delete(outcome)
    this.#outcomes.add(outcome)
    outcome.then(forget, forget)
    return outcome
  }

  /** Resolves when all that have begun have succeeded or failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#outcomes)
  }

  async #run(sync: () => Promise<void>, succeeded: () => void): Promise<void> {
    const call = sync()
    this.#calls.add(call)
    try {
      await call
    } catch (error) {
      this.#failure ??= { error }
    } finally {
      this.#calls.delete(call)
    }
    await Promise.allSettled(this.#calls)
    if (this.#failure !== undefined) throw this.#failure.error
    succeeded()
  }
}

/**
 * Fsyncs of a file, several under way at once. The system reports bytes that it could not write to only one of the calls under way, not
 * necessarily one that covers them: so a call counts when all that ran beside it have succeeded, and none counts after one has failed.
 */
export class OverlappingSyncs {
  /** Calls of the system under way. */
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
   * @returns a promise that rejects with the error of the first that failed
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

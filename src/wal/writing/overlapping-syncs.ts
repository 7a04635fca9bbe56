/**
 * Fsyncs of a file, several of which may be under way at once. If the system could not write some bytes, it tells only one of the calls under
 * way, and perhaps not one that was to cover those bytes. So a call counts as successful only when all calls that were under way with it have
 * succeeded, and no call does after one has failed.
 */
export class OverlappingSyncs {
  /** Fsyncs that have not returned yet. */
  readonly #calls = new Set<Promise<void>>()
  /** The promises that callers wait for. */
  readonly #outcomes = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  /** How many fsyncs have not returned yet. */
  get underWay(): number {
    return this.#calls.size
  }

  /** Whether no promise of {@link run} is pending. */
  get areSettled(): boolean {
    return this.#outcomes.size === 0
  }

  /**
   * @param succeeded called before the promise resolves
   * @returns a promise that rejects with the error of the first fsync that failed
   */
  run(sync: () => Promise<void>, succeeded: () => void): Promise<void> {
    const outcome = this.#run(sync, succeeded)
    const forget = () => void this.#outcomes.delete(outcome)
    this.#outcomes.add(outcome)
    outcome.then(forget, forget)
    return outcome
  }

  /** Resolves when all fsyncs that have begun have succeeded or failed. */
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

/** Work on the calling thread that somebody waits for may go on so long, in ms, before timers and sockets get their turn. */
const MAX_TURN_MS = 2
/** Work that nobody waits for: a call that comes meanwhile waits for its turn several times, at a write and at an fsync. */
export const BACKGROUND_TURN_MS = 0.5

/**
 * Tells when the event loop has to be let run: promises and `process.nextTick` alone never do, so that writes which each follow from the
 * one before would hold up everything else.
 */
export class Turn {
  readonly #maxMs: number
  #began = 0

  constructor(maxMs = MAX_TURN_MS) {
    this.#maxMs = maxMs
  }

  /** Whether the current turn of the event loop has taken long enough. */
  get isOver(): boolean {
    if (this.#began === 0) {
      this.#began = performance.now()
      setImmediate(() => (this.#began = 0))
      return false
    }
    return performance.now() - this.#began > this.#maxMs
  }
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

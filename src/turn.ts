import { setImmediate } from 'node:timers' // Not the global one: fake timers of a test replace that, and calls would never be answered.

/** How long work on the calling thread that a caller waits for may take, in ms, before timers and sockets get their turn. */
const MAX_TURN_MS = 2
/** The same for work that no caller waits for: a call made meanwhile waits for a turn several times, for its write and for its fsync. */
export const BACKGROUND_TURN_MS = 0.5

/**
 * Tells when to let the event loop run. Promises and `process.nextTick` alone never do: a chain of writes, each started by the one before,
 * would hold up everything else.
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

/**
 * Work that many callers ask for in one turn of the event loop, a little each. What does not fit in that turn is done in later ones. The queue
 * has no limit of its own: each caller waits for its own work.
 */
export class TurnQueue {
  readonly #turn: Turn
  readonly #checkAfter: number
  #unchecked = 0
  #waiting: (() => void)[] = []
  /** How many of those are done already. */
  #done = 0
  #scheduled = false

  /**
   * @param maxMs of work in one turn of the event loop
   * @param checkAfter how much work is done before the clock is read, in the unit of {@link hasRoom}
   */
  constructor(maxMs: number, checkAfter: number) {
    this.#turn = new Turn(maxMs)
    this.#checkAfter = checkAfter
  }

  /** Whether this much may be done now; else give it to {@link later}. What waits goes first, or others could keep it waiting for ever. */
  hasRoom(work: number): boolean {
    if (this.#waiting.length > 0) return false
    this.#unchecked += work
    return this.#unchecked < this.#checkAfter || this.#check()
  }

  #check(): boolean {
    if (this.#turn.isOver) return false // And so for all that come in this turn.
    this.#unchecked = 0
    return true
  }

  /** Does it in a later turn, after what waits already. */
  later<T>(work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
      this.#schedule()
    })
  }

  /** Does what waits, however long it takes; also from within a work of this queue. */
  doAll(): void {
    this.#doUntil(() => false)
  }

  /** Once at a time: after {@link doAll} the turn that was asked for is still to come. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.#goOn())
  }

  #goOn(): void {
    this.#scheduled = false
    this.#doUntil(() => this.#turn.isOver)
    if (this.#waiting.length > 0) this.#schedule()
  }

  #doUntil(isOver: () => boolean): void {
    while (this.#done < this.#waiting.length && !isOver()) this.#waiting[this.#done++]!()
    this.#waiting = this.#waiting.slice(this.#done)
    this.#done = 0
  }
}

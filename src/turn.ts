import { setImmediate } from 'node:timers' // A test's fake timers replace the global one, and calls would never be answered.

/** How long work for which a caller waits may keep the calling thread, in ms, before timers and sockets are served. */
const MAX_TURN_MS = 2
/** The same for work for which no caller waits. Shorter, since a call that is made meanwhile waits for several turns: for its write, and its fsync. */
export const BACKGROUND_TURN_MS = 0.5

/**
 * Says when to let the event loop run. Promises and `process.nextTick` alone never let it: a chain of writes, of which each is started by the one
 * before, would hold up everything else.
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
 * For small pieces of work, of which callers may ask for many in one turn of the event loop: what does not fit into that turn is done in later ones.
 * The queue needs no limit of its own, since each caller waits for its own work.
 */
export class TurnQueue {
  readonly #turn: Turn
  readonly #checkAfter: number
  #unchecked = 0
  #waiting: (() => void)[] = []
  /** How many of `#waiting` are done already. */
  #done = 0
  #scheduled = false

  /**
   * @param maxMs how long it may work in one turn of the event loop
   * @param checkAfter how much work is done before the clock is read, in the unit of {@link hasRoom}
   */
  constructor(maxMs: number, checkAfter: number) {
    this.#turn = new Turn(maxMs)
    this.#checkAfter = checkAfter
  }

  /** Whether this much may be done now; if not, give it to {@link later}. It may not if other work waits, which could be kept waiting for ever. */
  hasRoom(work: number): boolean {
    if (this.#waiting.length > 0) return false
    this.#unchecked += work
    return this.#unchecked < this.#checkAfter || this.#check()
  }

  #check(): boolean {
    if (this.#turn.isOver) return false // `#unchecked` stays, so that all other work of this turn is checked as well.
    this.#unchecked = 0
    return true
  }

  /** Does the work in a later turn, after what waits already. */
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

  /** Does all work that waits, however long it takes. May be called by work of this queue. */
  doAll(): void {
    this.#doUntil(() => false)
  }

  /** Asks for the next turn, unless that is done already: after {@link doAll} the turn that was asked for is still to come. */
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

import { nextTurn } from '../turn.js'

/** How long a sweep holds the calling thread at a time, in ms: reads and writes made meanwhile take about that much longer. */
const MAX_SLICE_MS = 0.1
/** The most steps at a time: the work of a step that begins only after it has returned is not measured. */
const MAX_SLICE_STEPS = 16

/** Cuts the work of a sweep into pieces, between which the event loop has its turn. */
export class Slice {
  #began = performance.now()
  #steps = 0

  /** Call after every step, and await what it returns, unless that is undefined. */
  next(): Promise<void> | undefined {
    if (++this.#steps < MAX_SLICE_STEPS && performance.now() - this.#began < MAX_SLICE_MS) return undefined
    return this.#nextTurn()
  }

  async #nextTurn(): Promise<void> {
    await nextTurn()
    this.#steps = 0
    this.#began = performance.now()
  }
}

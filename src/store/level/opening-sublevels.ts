import type { AnyLevel } from '../backend/any-level.js'
import { override } from '../backend/override.js'

const WRITES = ['put', 'del', 'batch', 'clear']

/**
 * The sublevels of a store that were written to before they were open. abstract-level keeps such writes until the sublevel is open, a moment later, and
 * the store does not know of them before.
 */
export class OpeningSublevels {
  readonly #opening = new Map<AnyLevel, Promise<void>>()

  /** Call with a sublevel that has been made. */
  watch(sublevel: AnyLevel): void {
    for (const name of WRITES) {
      override(sublevel, name, write => (...args) => {
        if (sublevel.status === 'opening') this.#keepsWrite(sublevel)
        return write.apply(sublevel, args)
      })
    }
  }

  /** Whether sublevels may keep writes that were called before now. */
  get keepWrites(): boolean {
    return this.#opening.size > 0
  }

  /** Resolves when the store has got the writes that sublevels keep now, or they have failed. */
  async handedOn(): Promise<void> {
    await Promise.all(this.#opening.values())
  }

  #keepsWrite(sublevel: AnyLevel): void {
    if (!this.#opening.has(sublevel)) this.#opening.set(sublevel, this.#opened(sublevel))
  }

  async #opened(sublevel: AnyLevel): Promise<void> {
    await sublevel.open({ passive: true }).catch(() => {}) // If it fails, the writes are rejected.
    this.#opening.delete(sublevel)
  }
}

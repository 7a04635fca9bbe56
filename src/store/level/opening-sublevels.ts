import type { AnyLevel } from '../backend/any-level.js'
import { override } from '../backend/override.js'

const WRITES = ['put', 'del', 'batch', 'clear']

/**
 * The sublevels of a store that were written to before they were open. abstract-level keeps such calls until they are, an instant later, and the
 * store does not know of them until then.
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

  /** Whether the store may lack writes that were made before. */
  get keepWrites(): boolean {
    return this.#opening.size > 0
  }

  /** Resolves when the store has been handed what they keep now, or never will be. */
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

import type { Entry } from './entry-index.js'

/** Keeps leading chunks of a sequence from being evicted. */
export interface Pin {
  /** The number of tokens in the chunks. */
  readonly tokens: number
}

/** Pinned entries. One is evicted only when each of its pins has ended. */
export class Pins {
  readonly #pinned = new WeakMap<Pin, readonly Entry[]>()

  pin(entries: readonly Entry[], tokens: number): Pin {
    for (const entry of entries) entry.pins++
    const pin: Pin = { tokens }
    this.#pinned.set(pin, entries)
    return pin
  }

  /** Does nothing if the pin has ended already. */
  unpin(pin: Pin): void {
    for (const entry of this.#pinned.get(pin) ?? []) entry.pins--
    this.#pinned.delete(pin)
  }
}

import type { Entry } from './entry-index.js'

/** Leading chunks of a sequence that stay. */
export interface Pin {
  /** How many tokens they are. */
  readonly tokens: number
}

/** Entries that are not evicted. Pins of several callers add up. */
export class Pins {
  readonly #pinned = new WeakMap<Pin, readonly Entry[]>()

  pin(entries: readonly Entry[], tokens: number): Pin {
    for (const entry of entries) entry.pins++
    const pin: Pin = { tokens }
    this.#pinned.set(pin, entries)
    return pin
  }

  /** Nothing happens if it has ended. */
  unpin(pin: Pin): void {
    for (const entry of this.#pinned.get(pin) ?? []) entry.pins--
    this.#pinned.delete(pin)
  }
}

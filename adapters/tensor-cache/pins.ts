import type { Entry } from './entry-index.js'

/** Keeps leading chunks of a sequence from being evicted. */
export interface Pin {
  /** The number of tokens in the chunks. */
  readonly tokens: number
}

/** Of all caches: a pin may be ended by another one than made it. */
const pinned = new WeakMap<Pin, readonly Entry[]>()

/** Pins entries. One is evicted only when each of its pins has ended. */
export function pinEntries(entries: readonly Entry[], tokens: number): Pin {
  for (const entry of entries) entry.pins++
  const pin: Pin = { tokens }
  pinned.set(pin, entries)
  return pin
}

/** Does nothing if the pin has ended already. */
export function endPin(pin: Pin): void {
  for (const entry of pinned.get(pin) ?? []) entry.pins--
  pinned.delete(pin)
}

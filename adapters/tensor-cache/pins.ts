import { invalidOption, shown } from '../errors.js'
import type { Entry } from './entry-index.js'

/** Keeps leading chunks of a sequence from being evicted. */
export interface Pin {
  /** The number of tokens in the chunks. */
  readonly tokens: number
}

/** The entries of the pins of all caches: a pin may be ended by another cache than made it. One that has ended has no entries any more. */
const pinned = new WeakMap<Pin, readonly Entry[]>()

/** Pins entries. An entry can be evicted again when all of its pins have ended. */
export function pinEntries(entries: readonly Entry[], tokens: number): Pin {
  for (const entry of entries) entry.pins++
  const pin: Pin = { tokens }
  pinned.set(pin, entries)
  return pin
}

/**
 * Does nothing if the pin has ended already.
 *
 * @throws CKV_INVALID_OPTION for anything but a pin: if that were ignored, what is pinned would stay so for ever
 */
export function endPin(pin: Pin): void {
  const entries = pinned.get(pin)
  if (entries === undefined) throw invalidOption(`unpin() takes what pin() has resolved with, not ${shown(pin)}`)
  for (const entry of entries) entry.pins--
  pinned.set(pin, [])
}

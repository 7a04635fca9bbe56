import { CompressedKvError } from '../errors.js'
import type { AnyLevel } from './any-level.js'
import { rootOf } from './backend.js'

/** Stores that hold a backend, by its root and then by the prefix of the sublevel that the backend is, or ''. */
const held = new WeakMap<AnyLevel, Map<string, object>>()

/**
 * Takes a backend for a store, for as long as that is open: a second store over the same one would read and write past the
 * first's queue.
 *
 * @throws LEVEL_LOCKED if another store in this process holds it
 */
export function hold(backend: AnyLevel, store: object): void {
  assertNotHeld(backend)
  const root = rootOf(backend)
  held.set(root, (held.get(root) ?? new Map<string, object>()).set(prefixOf(backend), store))
}

/** @throws LEVEL_LOCKED */
export function assertNotHeld(backend: AnyLevel): void {
  if (isHeld(backend)) {
    throw new CompressedKvError(
      'LEVEL_LOCKED',
      'Another open CompressedKvStore wraps this backend, or a part of it: close that one first'
    )
  }
}

/** Whether a store holds the backend, or one above or below it: their keys overlap. */
export function isHeld(backend: AnyLevel): boolean {
  const prefix = prefixOf(backend)
  const prefixes = [...(held.get(rootOf(backend))?.keys() ?? [])]
  return prefixes.some(other => prefix.startsWith(other) || other.startsWith(prefix))
}

/** Lets go of a backend, if it is this store that holds it. */
export function release(backend: AnyLevel, store: object): void {
  const stores = held.get(rootOf(backend))
  if (stores?.get(prefixOf(backend)) === store) stores.delete(prefixOf(backend))
}

function prefixOf(backend: AnyLevel): string {
  return (backend as AnyLevel & { prefix?: string }).prefix ?? ''
}

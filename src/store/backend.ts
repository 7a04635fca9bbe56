import type { AbstractOpenOptions } from 'abstract-level'
import { CompressedKvError, notSupported } from '../errors.js'
import type { AnyLevel } from './any-level.js'

/**
 * Whether a backend is LevelDB, which stores checksums of its own blocks, so that short raw values may do without one, and which
 * hands out memory that nobody else has. It is known by answering for a property that only LevelDB has. Ask when it is open.
 */
export function isLevelDb(backend: AnyLevel): boolean {
  const root = rootOf(backend) as AnyLevel & { getProperty?(name: string): unknown }
  if (typeof root.getProperty !== 'function') return false
  try {
    return /^\d+$/.test(String(root.getProperty('leveldb.num-files-at-level0')))
  } catch {
    return false
  }
}

/** The database that a sublevel belongs to; any other database is its own root. */
export function rootOf(backend: AnyLevel): AnyLevel {
  const { parent, db } = backend as AnyLevel & { parent?: AnyLevel | null; db?: AnyLevel }
  return parent ? db! : backend
}

/** @throws LEVEL_NOT_SUPPORTED for what cannot be wrapped */
export function assertWrappable(backend: AnyLevel): void {
  if (typeof backend !== 'object' || backend === null || typeof backend.supports !== 'object') {
    throw notSupported('The first argument must be an abstract-level database, such as new Level(location)')
  }
  try {
    backend.keyEncoding('buffer')
    backend.valueEncoding('buffer')
  } catch (cause) {
    throw notSupported(
      "The backend holds text only, and compressed values are bytes: open it with an option like storeEncoding: 'buffer'",
      cause
    )
  }
}

/** Stores that hold a backend, by its root and then by the prefix of the sublevel that the backend is, or ''. */
const held = new WeakMap<AnyLevel, Map<string, object>>()

/**
 * Takes a backend for a store, for as long as that is open: a second store over the same one would read and write past the
 * first's queue.
 *
 * @throws LEVEL_LOCKED if another store in this process holds it
 */
export function hold(backend: AnyLevel, store: object): void {
  if (isHeld(backend)) {
    throw new CompressedKvError(
      'LEVEL_LOCKED',
      'Another open CompressedKvStore wraps this backend, or a part of it: close that one first'
    )
  }
  const root = rootOf(backend)
  held.set(root, (held.get(root) ?? new Map<string, object>()).set(prefixOf(backend), store))
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

export function isOpen(backend: AnyLevel): boolean {
  return backend.status === 'open'
}

/** Opens the backend, or waits for it to be open. It keeps its own defaults unless the store was told otherwise. */
export async function openBackend(backend: AnyLevel, options: AbstractOpenOptions): Promise<void> {
  const { createIfMissing, errorIfExists, passive: _, ...rest } = options
  try {
    await backend.open({
      ...rest,
      ...(createIfMissing === false ? { createIfMissing } : {}),
      ...(errorIfExists === true ? { errorIfExists } : {})
    })
  } catch (error) {
    // The store wraps it once more: the backend's wrapping would only hide the cause.
    const { code, cause } = error as Error & { code?: string }
    throw code === 'LEVEL_DATABASE_NOT_OPEN' && cause instanceof Error ? cause : error
  }
}

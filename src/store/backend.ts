import { CompressedKvError, notSupported } from '../errors.js'
import type { AnyLevel } from './any-level.js'

/**
 * Whether a backend keeps checksums of its own blocks, so that short raw values may do without one. LevelDB does; it is known
 * by answering for a property that only LevelDB has. Ask when it is open.
 */
export function hasBlockChecksums(backend: AnyLevel): boolean {
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
  return (backend as AnyLevel & { db?: AnyLevel }).db ?? backend
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
    throw new CompressedKvError(
      'LEVEL_NOT_SUPPORTED',
      "The backend holds text only, and compressed values are bytes: open it with an option like storeEncoding: 'buffer'",
      { cause }
    )
  }
}

/** Backends that an open store holds: a second store over the same one would read and write past the first's queue. */
const held = new WeakSet<AnyLevel>()

/** @throws LEVEL_LOCKED if another open store holds the backend */
export function hold(backend: AnyLevel): void {
  if (held.has(backend)) {
    throw new CompressedKvError(
      'LEVEL_LOCKED',
      'Another open CompressedKvStore wraps this backend: close that one first'
    )
  }
  held.add(backend)
}

export function release(backend: AnyLevel): void {
  held.delete(backend)
}

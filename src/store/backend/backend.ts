import type { AbstractOpenOptions, Transcoder } from 'abstract-level'
import { notSupported } from '../../errors.js'
import type { AnyLevel } from './any-level.js'
import { override } from './override.js'

/**
 * Whether a backend, which must be open, is LevelDB: it answers for a property that only LevelDB has. LevelDB stores checksums of its
 * blocks, so that short raw values may do without one, and hands out memory that nobody else has.
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

/** The directory of a backend, if it has one. */
export function locationOf(backend: AnyLevel): string | undefined {
  const { location } = backend as { location?: unknown }
  return typeof location === 'string' ? location : undefined
}

/** @throws LEVEL_NOT_SUPPORTED for what cannot be wrapped */
export function assertWrappable(backend: AnyLevel): void {
  if (typeof backend !== 'object' || backend === null || typeof backend.supports !== 'object') {
    throw notSupported('The first argument must be an abstract-level database, such as new Level(location)')
  }
  // It came with version 3.
  if (typeof backend.hasMany !== 'function') {
    throw notSupported(
      'The database is of an older abstract-level than 3: use level 10, classic-level 3, memory-level 3, or later ones'
    )
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

/**
 * An encoding of a backend for the store, whose format is Buffers. Where the backend has views only, its 'buffer' is one that makes views: under
 * that name it would hide the store's own, and abstract-level could make no sublevel.
 */
export function encodingOverBuffers<In, Format, Out>(
  encoding: Transcoder.Encoding<In, Format, Out>
): Transcoder.Encoding<In, Format, Out> | 'buffer' {
  return encoding.commonName === 'buffer' && encoding.format !== 'buffer' ? 'buffer' : encoding
}

export function isOpen(backend: AnyLevel): boolean {
  return backend.status === 'open'
}

/** Opens the backend, or waits for it to be open. */
export async function openBackend(backend: AnyLevel, options: AbstractOpenOptions): Promise<void> {
  try {
    await backend.open(optionsOfBackend(options))
  } catch (error) {
    // The store wraps the error again: the backend's wrapping would only hide the cause.
    const { code, cause } = error as Error & { code?: string }
    throw code === 'LEVEL_DATABASE_NOT_OPEN' && cause instanceof Error ? cause : error
  }
}

/**
 * Has a backend that opens by itself do it with the store's options as well. It does so in a microtask, before the store can, and must not be opened
 * here: until then it may be closed, opened with other options, and given hooks.
 */
export function openByItselfWith(backend: AnyLevel, options: AbstractOpenOptions): void {
  const added = optionsOfBackend(options)
  if (backend.status !== 'opening' || Object.keys(added).length === 0) return
  override(backend, 'open', open => async (given = {}) => {
    const { passive } = given as AbstractOpenOptions
    if (passive !== true) override(backend, 'open', () => open)
    // A database that opens by itself says `passive: false`.
    return open.call(backend, passive === false ? { ...added, ...given! } : given)
  })
}

/** What a store's options are for its backend, whose own hold unless the store's say otherwise. */
function optionsOfBackend(options: AbstractOpenOptions): AbstractOpenOptions {
  const { createIfMissing, errorIfExists, passive: _, ...rest } = options
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
    ...(createIfMissing === false ? { createIfMissing } : {}),
    ...(errorIfExists === true ? { errorIfExists } : {})
  }
}

/** Must be a boolean. The type of the manifest does not have it yet. */
export function supportsGetSync({ supports }: AnyLevel): boolean {
  return (supports as { getSync?: boolean }).getSync === true
}

import type { AbstractOpenOptions, Transcoder } from 'abstract-level'
import { notSupported } from '../../errors.js'
import type { AnyLevel } from './any-level.js'
import { override } from './override.js'

/**
 * Whether a backend, which must be open, is LevelDB: then it has a property that only LevelDB has. LevelDB stores checksums of its blocks, so that
 * short raw values need none of their own, and hands out memory that it does not go on using.
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
  // hasMany() came with version 3.
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
 * A backend's encoding, for use in the store, whose format is Buffers. If the backend's format is views, its encoding 'buffer' makes views: under that
 * name it would hide the store's own, and abstract-level could not make sublevels.
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
    // The cause, without the backend's wrapping: abstract-level wraps it again in the store's own error.
    const { code, cause } = error as Error & { code?: string }
    throw code === 'LEVEL_DATABASE_NOT_OPEN' && cause instanceof Error ? cause : error
  }
}

/**
 * Makes a backend that opens by itself use the store's options as well. It opens in a microtask, before the store could open it. It must not be opened
 * here already, since until then it may be closed, opened with other options, or given hooks.
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

/** Those of a store's options that hold for its backend, too. The backend's own options hold unless these say otherwise. */
function optionsOfBackend(options: AbstractOpenOptions): AbstractOpenOptions {
  const { createIfMissing, errorIfExists, passive: _, ...rest } = options
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
    ...(createIfMissing === false ? { createIfMissing } : {}),
    ...(errorIfExists === true ? { errorIfExists } : {})
  }
}

/** Whether the backend has getSync(). Always a boolean, as a manifest needs it. The type of manifests lacks the property. */
export function supportsGetSync({ supports }: AnyLevel): boolean {
  return (supports as { getSync?: boolean }).getSync === true
}

import { CompressedKvError } from '../../errors.js'
import type { AnyLevel } from './any-level.js'
import { rootOf } from './backend.js'

const LOCKS = Symbol.for('compressed-kv.locks')

/** Who has locked a backend, by its root and then by its prefix, if it is a sublevel, or ''. */
type Locks = WeakMap<AnyLevel, Map<string, object>>

/** Shared by all copies of this library in the process: a dependency may bring another version along, and modules may be loaded twice. */
const shared = globalThis as { [LOCKS]?: Locks }
const locks = (shared[LOCKS] ??= new WeakMap())

/**
 * Locks a backend while a store is open. A second store over it would know neither what still waits in the first nor the order of its
 * writes.
 *
 * @param owner the store
 * @throws LEVEL_LOCKED if another owner in this process has locked the backend, or a database above or below it
 */
export function lockBackend(backend: AnyLevel, owner: object): void {
  assertNotLocked(backend)
  const root = rootOf(backend)
  locks.set(root, (locks.get(root) ?? new Map<string, object>()).set(prefixOf(backend), owner))
}

/** @throws LEVEL_LOCKED */
function assertNotLocked(backend: AnyLevel): void {
  if (isLocked(backend)) {
    throw new CompressedKvError(
      'LEVEL_LOCKED',
      'Another open CompressedKvStore wraps this backend, or a part of it: close that one first'
    )
  }
}

/** Whether the backend is locked, or a database above or below it, whose keys overlap with its own. */
export function isLocked(backend: AnyLevel): boolean {
  const prefix = prefixOf(backend)
  const prefixes = [...(locks.get(rootOf(backend))?.keys() ?? [])]
  return prefixes.some(other => prefix.startsWith(other) || other.startsWith(prefix))
}

/** Unlocks a backend if `owner` has locked it. */
export function unlockBackend(backend: AnyLevel, owner: object): void {
  const owners = locks.get(rootOf(backend))
  if (owners?.get(prefixOf(backend)) === owner) owners.delete(prefixOf(backend))
}

/**
 * Opens a backend for `work`, and closes it afterwards unless it was open before.
 *
 * @param work is given a function that locks the backend until the work has ended
 * @throws LEVEL_LOCKED
 */
export async function leftAsFound<T>(backend: AnyLevel, work: (lock: () => void) => Promise<T>): Promise<T> {
  assertNotLocked(backend)
  const wasOpen = backend.status === 'open'
  const owner = {}
  try {
    await backend.open()
    return await work(() => lockBackend(backend, owner))
  } finally {
    unlockBackend(backend, owner)
    if (!wasOpen && !isLocked(backend)) await backend.close()
  }
}

function prefixOf(backend: AnyLevel): string {
  return (backend as AnyLevel & { prefix?: string }).prefix ?? ''
}

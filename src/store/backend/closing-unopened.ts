import type { AnyLevel } from './any-level.js'
import { isLocked } from './backend-lock.js'
import { resource } from './resource.js'

/**
 * Ties a store and its backend together until the store opens: closing one closes the other. (Once the store is open, it is a
 * resource of the backend, and closes the backend in `_close`.)
 *
 * @param tookBackend whether the store has begun to open the backend
 * @returns a function that unties the store from the backend. Call it when the store begins to open the backend, which would keep the store otherwise
 */
export function closeTogetherUnopened(store: AnyLevel, backend: AnyLevel, tookBackend: () => boolean): () => void {
  // abstract-level does not call `_close` of a database that is closed before it was opened, but it does close its resources.
  const closeBackend = async () => {
    if (!tookBackend() && backend.status !== 'closing' && !isLocked(backend)) await backend.close()
  }
  // Not awaited: each would wait for the other.
  const closeStore = async () => {
    if (!tookBackend() && store.status === 'opening') store.close().catch(() => {})
  }
  store.attachResource(resource(closeBackend))
  const tie = resource(closeStore)
  backend.attachResource(tie)
  return () => backend.detachResource(tie)
}

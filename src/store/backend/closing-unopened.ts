import type { AnyLevel } from './any-level.js'
import { isLocked } from './backend-lock.js'
import { resource } from './resource.js'

/**
 * Ties a store and its backend together until the store opens: closing one closes the other. (Once the store is open, it is a
 * resource of the backend and closes it in `_close`.)
 *
 * @param tookBackend whether the store opened the backend, or began to
 * @returns unties the store from the backend, which would keep it otherwise: call it when the store takes the backend
 */
export function closeTogetherUnopened(store: AnyLevel, backend: AnyLevel, tookBackend: () => boolean): () => void {
  // abstract-level does not call `_close` on a database that was closed before it opened; its resources it does close.
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

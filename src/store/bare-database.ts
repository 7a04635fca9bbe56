import { invalidOption } from '../errors.js'
import type { AnyLevel } from './backend/any-level.js'
import { assertWrappable, rootOf } from './backend/backend.js'
import { refuseLostCurrent } from './backend/lost-current.js'
import { CompressedKvStore } from './compressed-kv-store.js'
import { refuseHeldLog } from './log/log-held.js'

/**
 * The database below a store, given to a call that works on it without one.
 *
 * @param call its name, for messages
 * @throws LEVEL_NOT_SUPPORTED for what cannot be wrapped; CKV_INVALID_OPTION for a store
 */
export function bareDatabase(given: object, call: string): AnyLevel {
  const backend = given as AnyLevel
  assertWrappable(backend)
  if (rootOf(backend) instanceof CompressedKvStore) throw invalidOption(`${call} takes the database below the store`)
  refuseLostCurrent(backend)
  refuseHeldLog(backend)
  return backend
}

import { invalidOption } from '../errors.js'
import { storeOf } from '../given-store.js'
import type { TensorBackingStore } from './backing-store.js'
import { EntryKeys } from './keys.js'
import { TensorSpace } from './tensor-space.js'

/** By store, then by the prefix of a sublevel. Caches over the same one share its limit. */
const spaces = new WeakMap<object, Map<string, TensorSpace>>()

/**
 * The space that all caches over a database or sublevel share, as long as the store is open.
 *
 * @throws CKV_INVALID_OPTION if the space has another `maxBytes`; LEVEL_NOT_SUPPORTED if `db` is neither a `CompressedKvStore` nor a sublevel of one
 */
export function spaceOf(db: TensorBackingStore, maxBytes: number): TensorSpace {
  const root = storeOf(db, 'TensorCache')
  const prefix = db.prefix ?? ''
  let ofStore = spaces.get(root)
  if (ofStore === undefined) {
    const all = new Map<string, TensorSpace>()
    spaces.set(root, (ofStore = all))
    // Before the store is opened again, its contents may change.
    const forget = () => {
      spaces.delete(root)
      for (const space of all.values()) space.stop()
    }
    root.once('closed', forget)
  }
  let space = ofStore.get(prefix)
  if (space === undefined) {
    // It uses the store, not the sublevel: that may be closed by itself, while caches over other sublevels of its name go on.
    space = new TensorSpace(root, new EntryKeys(prefix), maxBytes)
    ofStore.set(prefix, space)
  }
  if (space.room.maxBytes === maxBytes) return space
  throw invalidOption(
    `maxBytes is ${space.room.maxBytes} for another cache over this store, and bounds both together: pass that, not ${maxBytes}`
  )
}

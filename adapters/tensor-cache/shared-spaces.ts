import { CompressedKvError, CompressedKvStore } from 'compressed-kv'
import { invalidOption } from '../invalid-option.js'
import type { TensorBackingStore } from './backing-store.js'
import { EntryKeys } from './keys.js'
import { TensorSpace } from './tensor-space.js'

/** By store, then by the prefix of a sublevel: caches over one share its limit. */
const spaces = new WeakMap<object, Map<string, TensorSpace>>()

/**
 * The space that all caches over a database or sublevel share, as long as the store is open.
 *
 * @throws CKV_INVALID_OPTION if it has another `maxBytes`; LEVEL_NOT_SUPPORTED if `db` is no store
 */
export function spaceOf(db: TensorBackingStore, maxBytes: number): TensorSpace {
  const root = db?.db ?? db
  if (!(root instanceof CompressedKvStore)) {
    throw new CompressedKvError(
      'LEVEL_NOT_SUPPORTED',
      'Tensors are kept in a CompressedKvStore, or in a sublevel of one'
    )
  }
  const prefix = db.prefix ?? ''
  let ofStore = spaces.get(root)
  if (ofStore === undefined) {
    const all = new Map<string, TensorSpace>()
    spaces.set(root, (ofStore = all))
    // When the store is opened again its contents may have changed.
    const forget = () => {
      spaces.delete(root)
      for (const space of all.values()) space.stop()
    }
    ;(root as TensorBackingStore).once('closed', forget)
  }
  let space = ofStore.get(prefix)
  if (space === undefined) {
    // Over the store, not the sublevel: that may be closed by itself, and caches over others of its name would find it closed.
    space = new TensorSpace(root as TensorBackingStore, new EntryKeys(prefix), maxBytes)
    ofStore.set(prefix, space)
  }
  if (space.room.maxBytes === maxBytes) return space
  throw invalidOption(
    `maxBytes is ${space.room.maxBytes} for another cache over this store: it bounds both, so ${maxBytes} cannot be`
  )
}

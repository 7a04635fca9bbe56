import type { BytesLevel } from './bytes-level.js'
import type { Generation } from './keys.js'
import { KeyedLock } from '../keyed-lock.js'
import { LiveGenerations } from './live-generations.js'

/** What everybody who uses one sublevel has to know of the others. */
export interface Space {
  readonly live: LiveGenerations
  /** Held while a manifest is replaced. */
  readonly publishing: KeyedLock
  /** By key: generations whose manifest was refused, but may be there when the store is opened again. */
  readonly inDoubt: Map<string, Generation[]>
  /** Whether there may be garbage that nobody is about to delete. */
  mayHaveOrphans: boolean
}

const spaces = new WeakMap<object, Map<string, Space>>()

export function spaceOf({ db, prefix }: BytesLevel): Space {
  const ofStore = spaces.get(db) ?? new Map<string, Space>()
  spaces.set(db, ofStore)
  const known = ofStore.get(prefix)
  if (known !== undefined) return known
  const space: Space = {
    live: new LiveGenerations(),
    publishing: new KeyedLock(),
    inDoubt: new Map(),
    mayHaveOrphans: true // Of a process before this one.
  }
  ofStore.set(prefix, space)
  return space
}

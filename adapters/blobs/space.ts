import type { CompressedKvStore } from 'compressed-kv'
import { KeyedLock } from '../keyed-lock.js'
import type { BytesLevel } from './bytes-level.js'
import type { Generation } from './keys.js'
import { LiveGenerations } from './live-generations.js'

/** State that all blob stores over one sublevel share. */
export interface Space {
  readonly live: LiveGenerations
  /** Held while a manifest is replaced. */
  readonly publishing: KeyedLock
  /** By key: generations of which it is unknown whether they were published. Replaying the log decides that when the store is opened again. */
  readonly inDoubt: Map<string, Generation[]>
  /** Whether there may be garbage that nobody is about to delete. */
  mayHaveOrphans: boolean
  /** Some of that garbage, by generation: keys of chunks that a listing does not show, but that replaying the log may restore. */
  readonly hidden: Map<string, readonly Buffer[]>
}

const spaces = new WeakMap<object, Map<string, Space>>()

export function spaceOf({ db, prefix }: BytesLevel): Space {
  const ofStore = spaces.get(db) ?? spacesOf(db)
  const known = ofStore.get(prefix)
  if (known !== undefined) return known
  const space: Space = {
    live: new LiveGenerations(),
    publishing: new KeyedLock(),
    inDoubt: new Map(),
    mayHaveOrphans: true, // Left by an earlier process.
    hidden: new Map()
  }
  ofStore.set(prefix, space)
  return space
}

function spacesOf(store: CompressedKvStore<unknown, unknown>): Map<string, Space> {
  const ofStore = new Map<string, Space>()
  spaces.set(store, ofStore)
  store.on('closed', () => ofStore.forEach(endDoubts))
  return ofStore
}

/** When the store is opened again its contents decide which generations are blobs; the others are garbage. */
function endDoubts(space: Space): void {
  for (const generation of [...space.inDoubt.values()].flat()) space.live.endWriting(generation)
  space.inDoubt.clear()
  space.hidden.clear()
  space.mayHaveOrphans = true
}

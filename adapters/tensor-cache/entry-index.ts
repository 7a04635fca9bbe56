import type { EntryRecord } from './entry-record.js'
import type { EntryId } from './keys.js'

/** A stored chunk or tensor. */
export interface Entry {
  readonly id: EntryId
  record: EntryRecord
  /** While it is above 0 the entry is not evicted. */
  pins: number
  /** A write or a deletion of the entry failed: it may be stored or not. It is no hit, takes room, and is the first to be evicted. */
  doomed: boolean
}

/** A place in the ring. The one without an entry lies between the newest and the oldest. */
interface Place {
  readonly entry: Entry | undefined
  older: Place
  newer: Place
}

/** All stored entries, in memory, in the order of use: a ring, so that any entry can be moved anywhere in constant time. */
export class EntryIndex {
  /** Ids that are being written. An entry with such an id is not evicted: that would delete what is being written. */
  readonly writing = new Set<EntryId>()
  readonly #places = new Map<EntryId, Place>()
  /** Doomed entries, beside the ring: to find them in that, each put into a full cache would have to go through millions of entries. */
  readonly #doomed = new Set<Entry>()
  readonly #end = emptyRing()

  get size(): number {
    return this.#places.size
  }

  /** The entry with this id, even if it is doomed. */
  get(id: EntryId): Entry | undefined {
    return this.#places.get(id)?.entry
  }

  /** Adds the entry as the most recently used one. */
  add(entry: Entry): void {
    this.#place(entry, this.#end)
  }

  /** Adds the entry as one used just before `next`, which is in the index. */
  addBefore(entry: Entry, next: Entry): void {
    this.#place(entry, this.#places.get(next.id)!)
  }

  /** Adds the entries as used before all others. */
  addOldest(entries: readonly Entry[]): void {
    const { newer: oldest } = this.#end
    for (const entry of entries) this.#place(entry, oldest)
  }

  delete(entry: Entry): void {
    if (this.has(entry)) this.#remove(entry.id)
  }

  /** Whether this very object is the entry of its id. */
  has(entry: Entry): boolean {
    return this.get(entry.id) === entry
  }

  /** Whether this very object is the entry of its id, and none is being written in its place. */
  isSettled(entry: Entry): boolean {
    return this.has(entry) && !this.writing.has(entry.id)
  }

  /** The entry that was used just before this one. */
  olderThan(entry: Entry): Entry | undefined {
    return this.#places.get(entry.id)?.older.entry
  }

  /** All entries, least recently used first. */
  *values(): Generator<Entry, void> {
    for (let place = this.#end.newer; place.entry !== undefined; place = place.newer) yield place.entry
  }

  /** The entries to evict for this many bytes: doomed ones, then the least recently used. None if all that may be evicted are not enough. */
  victims(bytes: number, spared: ReadonlySet<EntryId>): Entry[] {
    const victims: Entry[] = []
    let freed = 0
    for (const entries of [this.#doomed, this.values()]) {
      for (const entry of entries) {
        if (freed >= bytes) return victims
        if (entry.pins > 0 || this.writing.has(entry.id) || spared.has(entry.id)) continue
        if (entry.doomed && entries !== this.#doomed) continue
        victims.push(entry)
        freed += entry.record.bytes
      }
    }
    return freed >= bytes ? victims : []
  }

  #place(entry: Entry, newer: Place): void {
    this.#remove(entry.id)
    const { older } = newer
    const place: Place = { entry, older, newer }
    older.newer = place
    newer.older = place
    this.#places.set(entry.id, place)
    if (entry.doomed) this.#doomed.add(entry)
  }

  #remove(id: EntryId): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    place.older.newer = place.newer
    place.newer.older = place.older
    this.#places.delete(id)
    this.#doomed.delete(place.entry!)
  }
}

function emptyRing(): Place {
  const end = { entry: undefined } as Place
  return Object.assign(end, { older: end, newer: end })
}

import type { EntryRecord } from './entry-record.js'
import type { EntryId } from './keys.js'

/** A chunk or a tensor that is stored. */
export interface Entry {
  readonly id: EntryId
  record: EntryRecord
  /** While it is above 0 the entry is not evicted. */
  pins: number
  /** Perhaps stored, perhaps not: a write or a deletion failed. It is no hit, takes room, and is the first to go. */
  doomed: boolean
}

/** A place in the order; that of no entry is both ends of it. */
interface Place {
  readonly entry: Entry | undefined
  older: Place
  newer: Place
}

/** Everything that is stored, in memory, in the order in which it was used: a ring, so that any entry can be moved anywhere at once. */
export class EntryIndex {
  /** What is being written. Its keys may be those of an entry, which is not evicted then: that would delete what is written. */
  readonly writing = new Set<EntryId>()
  readonly #places = new Map<EntryId, Place>()
  readonly #end = emptyRing()

  get size(): number {
    return this.#places.size
  }

  /** Also a doomed one. */
  get(id: EntryId): Entry | undefined {
    return this.#places.get(id)?.entry
  }

  /** As the most recently used one. */
  add(entry: Entry): void {
    this.#place(entry, this.#end)
  }

  /** As one that was used just before `next`, which is in the index. */
  addBefore(entry: Entry, next: Entry): void {
    this.#place(entry, this.#places.get(next.id)!)
  }

  /** As those that were used before all others. */
  addOldest(entries: readonly Entry[]): void {
    const { newer: oldest } = this.#end
    for (const entry of entries) this.#place(entry, oldest)
  }

  delete(entry: Entry): void {
    if (this.has(entry)) this.#remove(entry.id)
  }

  /** Whether it is this very entry that stands for its id. */
  has(entry: Entry): boolean {
    return this.get(entry.id) === entry
  }

  /** Whether it is this very entry that stands for its id, and nothing is being written in its place. */
  isSettled(entry: Entry): boolean {
    return this.has(entry) && !this.writing.has(entry.id)
  }

  /** Least recently used first. */
  *values(): Generator<Entry, void> {
    for (let place = this.#end.newer; place.entry !== undefined; place = place.newer) yield place.entry
  }

  /** What has to go for this many bytes, the least recently used first. Nothing, if there is not so much that may go. */
  victims(bytes: number, spared: ReadonlySet<EntryId>): Entry[] {
    const victims: Entry[] = []
    let freed = 0
    for (const doomed of [true, false]) {
      for (const entry of this.values()) {
        if (freed >= bytes) return victims
        if (entry.doomed !== doomed || entry.pins > 0) continue
        if (this.writing.has(entry.id) || spared.has(entry.id)) continue
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
  }

  #remove(id: EntryId): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    place.older.newer = place.newer
    place.newer.older = place.older
    this.#places.delete(id)
  }
}

function emptyRing(): Place {
  const end = { entry: undefined } as Place
  return Object.assign(end, { older: end, newer: end })
}

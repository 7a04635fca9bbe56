import type { EntryRecord } from './entry-record.js'
import type { EntryId } from './keys.js'

/** A chunk or a tensor that is stored. */
export interface Entry {
  readonly id: EntryId
  record: EntryRecord
  /** While it is above 0 the entry is not evicted. */
  pins: number
  /** Whether something else is being written under its keys. */
  replaced: boolean
  /** Perhaps stored, perhaps not: a write or a deletion failed. It is no hit, takes room, and is the first to go. */
  doomed: boolean
}

/** Everything that is stored, in memory, in the order in which it was used. */
export class EntryIndex {
  /** Least recently used first. */
  #entries = new Map<EntryId, Entry>()

  get size(): number {
    return this.#entries.size
  }

  /** Also a doomed one. */
  get(id: EntryId): Entry | undefined {
    return this.#entries.get(id)
  }

  /** As the most recently used one. */
  add(entry: Entry): void {
    this.#entries.delete(entry.id)
    this.#entries.set(entry.id, entry)
  }

  /** As those that were used before all others. */
  addOldest(entries: readonly Entry[]): void {
    this.#entries = new Map([...entries.map(entry => [entry.id, entry] as const), ...this.#entries])
  }

  delete(entry: Entry): void {
    if (this.has(entry)) this.#entries.delete(entry.id)
  }

  /** Whether it is this very entry that stands for its id. */
  has(entry: Entry): boolean {
    return this.#entries.get(entry.id) === entry
  }

  values(): Iterable<Entry> {
    return this.#entries.values()
  }

  /** What has to go for this many bytes, the least recently used first. Nothing, if there is not so much that may go. */
  victims(bytes: number, spared: ReadonlySet<EntryId>): Entry[] {
    const victims: Entry[] = []
    let freed = 0
    for (const doomed of [true, false]) {
      for (const entry of this.#entries.values()) {
        if (freed >= bytes) return victims
        if (entry.doomed !== doomed || entry.pins > 0 || spared.has(entry.id)) continue
        victims.push(entry)
        freed += entry.record.bytes
      }
    }
    return freed >= bytes ? victims : []
  }
}

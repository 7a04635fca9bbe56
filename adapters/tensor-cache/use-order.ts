import type { Entry, EntryIndex } from './entry-index.js'
import type { RecordWriter } from './record-writer.js'

/** When entries were used. That is the order of the index, and is written with their records. No two have the same time. */
export class UseOrder {
  readonly #index: EntryIndex
  readonly #records: RecordWriter
  #lastUse = 0
  /** The last chunk of the chain that was used last, if nothing was used since: only the chunks before it in the chain are newer. */
  #newestEnd: Entry | undefined

  constructor(index: EntryIndex, records: RecordWriter) {
    this.#index = index
    this.#records = records
  }

  /** Adds an entry as it was stored, after those that were used before it. */
  load(entry: Entry): void {
    this.#index.add(entry)
    this.#lastUse = Math.max(this.#lastUse, entry.record.used)
  }

  /** Makes the entries the most recently used, in their order. */
  touch(entries: Iterable<Entry>): void {
    for (const entry of entries) if (this.#index.has(entry)) this.add(entry, undefined)
  }

  /** Makes the entries of a chain the most recently used, its last chunk first. */
  touchChain(entries: readonly Entry[]): void {
    this.reserveTimes(entries.length) // For as many chunks that are put behind it later.
    this.touch(entries)
    this.#newestEnd = entries[0]
  }

  /** Adds a chunk to the chain that was used last, if that ends with `before`. @returns whether the chain ends with the chunk now */
  extendNewest(entry: Entry, before: Entry | undefined): boolean {
    if (entry !== this.#newestEnd && before !== undefined && this.isNewestEnd(before)) this.touchBefore(entry, before)
    return this.isNewestEnd(entry)
  }

  isNewestEnd(entry: Entry): boolean {
    return entry === this.#newestEnd && this.#index.has(entry)
  }

  /** Makes `entry` count as used just before `next`, or as the most recently used if there is none. */
  touchBefore(entry: Entry, next: Entry | undefined): void {
    if (this.#index.has(entry)) this.add(entry, next)
  }

  /** Reserves times of use for that many entries. Each is to count as used just before the entry that was stored before it. */
  reserveTimes(count: number): void {
    this.#lastUse = Math.max(Date.now(), this.#lastUse) + count
  }

  /** The time of an entry that counts as used just before `next`, or as the most recently used if that is not there. */
  timeBefore(next: Entry | undefined): number {
    return this.#isThere(next) ? next.record.used - 1 : this.#now()
  }

  /** Adds an entry to the index, or moves it there, as {@link timeBefore} says. */
  add(entry: Entry, next: Entry | undefined): void {
    this.#newestEnd =
      next !== undefined && this.isNewestEnd(next) && this.#hasTimeBefore(next, entry) ? entry : undefined
    // The time of a new entry is written already. It stays right if nothing was used since.
    const isLast = !this.#isThere(next) && entry.record.used === this.#lastUse
    if (!isLast) entry.record = { ...entry.record, used: this.timeBefore(next) }
    if (this.#isThere(next)) this.#index.addBefore(entry, next)
    else this.#index.add(entry)
    if (!entry.doomed) this.#records.changed(entry)
  }

  /** Call when entries are deleted. One that cannot be deleted comes back as the oldest. */
  forget(entries: readonly Entry[]): void {
    if (this.#newestEnd !== undefined && entries.includes(this.#newestEnd)) this.#newestEnd = undefined
  }

  /** Whether there is a free time for `entry` just before that of `next`. */
  #hasTimeBefore(next: Entry, entry: Entry): boolean {
    const older = this.#index.olderThan(next)
    const others = older === entry ? this.#index.olderThan(entry) : older
    return others === undefined || others.record.used < next.record.used - 1
  }

  #isThere(entry: Entry | undefined): entry is Entry {
    return entry !== undefined && this.#index.has(entry)
  }

  /** A time later than all before, even if the clock was set back. */
  #now(): number {
    return (this.#lastUse = Math.max(Date.now(), this.#lastUse + 1))
  }
}

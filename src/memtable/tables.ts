import { type Kept, MemTable, TOMBSTONE } from './memtable.js'
import { covers, type RangeTombstone } from './range-tombstone.js'

/** The place of something in the log, and what it counts of the bytes that may wait for the backend. */
interface Weighed {
  /** Number of the last record that is in it. */
  readonly sequence: number
  readonly weight: number
}

/** Two tables are merged only if they have at most this many keys together: merging more would hold up the event loop. */
const MAX_MERGED_KEYS = 8192

/** So many tables and ranges are flushed together at most: each entry is compared with all of them. */
const MAX_GROUP = 256

/** A table that never changes. */
export interface FrozenTable<T extends Sized> extends Weighed {
  readonly table: MemTable<T>
  /** Number of the first record that is in it. */
  readonly firstSequence: number
}

/** The table that takes writes. When it is frozen, it goes into the list as it is. */
type ActiveTable<T extends Sized> = { -readonly [Name in keyof FrozenTable<T>]: FrozenTable<T>[Name] }

/** A deleted range. It hides what is before it in the list, and what is in the backend. */
export interface FrozenClear extends Weighed {
  readonly clear: RangeTombstone
  readonly firstSequence: number
}

export type Frozen<T extends Sized> = FrozenTable<T> | FrozenClear

interface Sized {
  readonly length: number
}

/**
 * What is logged and not yet in the backend: an active table, which takes writes, and a list of older frozen tables and deleted ranges, oldest first.
 *
 * Nothing frozen ever changes. So the list at one moment, together with a snapshot of the backend, is a view of that moment.
 */
export class Tables<T extends Sized> {
  #active: ActiveTable<T> = newTable()
  /** Weight of the frozen tables that are not being flushed. Kept, since it is asked for at each write. */
  #frozenWeight = 0
  /** The array is never changed, only replaced, since views keep it. */
  #frozen: readonly Frozen<T>[] = []
  /** Sizes of the groups being flushed, oldest first: they are at the beginning of `#frozen`. */
  #groups: number[] = []

  // ---- writing

  /** @param kept a value, or that the key was deleted */
  set(name: string, kept: Kept<T>, { sequence, weight }: Weighed): void {
    const active = this.#active
    if (active.table.size === 0) active.firstSequence = sequence
    active.table.set(name, kept)
    active.sequence = sequence
    active.weight += weight
  }

  /** Deletes what was written in a range before. */
  clear(range: RangeTombstone, { sequence, weight }: Weighed): void {
    this.freeze()
    this.#push({ clear: range, firstSequence: sequence, sequence, weight })
  }

  // ---- reading

  /** The newest entry under a name: a value, `TOMBSTONE` if the key was deleted, or undefined: then the backend has to be asked. */
  find(name: string): Kept<T> | undefined {
    return this.#active.table.find(name) ?? findIn(this.#frozen, name)
  }

  get isEmpty(): boolean {
    return this.#frozen.length === 0 && this.#active.table.size === 0
  }

  /** Everything as it is at this moment. */
  view(): readonly Frozen<T>[] {
    this.freeze()
    this.#mergeNewest()
    return this.#frozen
  }

  /** Keys in all tables; one that is in several counts in each. */
  get entries(): number {
    return this.#frozen.reduce((sum, item) => sum + ('table' in item ? item.table.size : 0), this.#active.table.size)
  }

  /** Bytes of the keys and values in all tables. */
  get bytes(): number {
    return this.#frozen.reduce((sum, item) => sum + ('table' in item ? item.table.bytes : 0), this.#active.table.bytes)
  }

  // ---- flushing

  /** Weight of the active table. */
  get activeWeight(): number {
    return this.#active.weight
  }

  /** Weight of the tables that are not being flushed yet. That of deleted ranges says how many may wait, not how much there is to flush. */
  get waitingWeight(): number {
    return this.#active.weight + this.#frozenWeight
  }

  /** How many frozen tables and ranges are not in the backend yet. */
  get frozenCount(): number {
    return this.#frozen.length
  }

  /** The oldest frozen table or deleted range, which is being flushed or is flushed next. */
  get oldest(): Frozen<T> | undefined {
    return this.#frozen[0]
  }

  /**
   * Freezes the active table, if it has anything, and begins a new one.
   *
   * @returns number of the last record that is frozen; 0 if nothing is
   */
  freeze(): number {
    const active = this.#active
    if (active.table.size === 0) return this.#frozen.at(-1)?.sequence ?? 0
    active.table.freeze()
    this.#push(active)
    this.#active = newTable()
    return active.sequence
  }

  /** The oldest table or deleted range that is not being flushed yet. */
  get nextToFlush(): Frozen<T> | undefined {
    return this.#frozen[this.#flushing]
  }

  /**
   * Begins to flush what is next. Small tables, which views and deleted ranges leave, are taken together with the ranges between them: the backend
   * does not get values that something newer has replaced, and syncs less often.
   *
   * @param maxWeight the most weight of tables that are taken together; a single one may be heavier
   */
  startFlush(maxWeight: number): readonly Frozen<T>[] {
    const taken: Frozen<T>[] = []
    let weight = 0
    for (const item of this.#frozen.slice(this.#flushing)) {
      if ('table' in item) weight += item.weight
      if (taken.length === MAX_GROUP || (taken.length > 0 && weight > maxWeight)) break
      taken.push(item)
    }
    this.#frozenWeight -= weightOfTables(taken)
    if (taken.length > 0) this.#groups.push(taken.length)
    return taken
  }

  /** Call when the backend has the oldest group that {@link startFlush} has returned. */
  flushed(): void {
    this.#frozen = this.#frozen.slice(this.#groups.shift() ?? 0)
  }

  /** Call when flushing the oldest group has failed. Groups after it count as not flushed either. */
  flushFailed(): void {
    this.#frozenWeight += weightOfTables(this.#frozen.slice(0, this.#flushing))
    this.#groups = []
  }

  /** How many items of `#frozen` are being flushed. */
  get #flushing(): number {
    return this.#groups.reduce((sum, size) => sum + size, 0)
  }

  #push(item: Frozen<T>): void {
    this.#frozen = [...this.#frozen, item]
    this.#frozenWeight += weightOfTables([item])
  }

  /**
   * Merges the newest table with its older neighbour as long as it has at least half the size of that one. So views leave few tables, and each entry is
   * moved only a few times. A table that is being flushed stays as it is.
   */
  #mergeNewest(): void {
    for (;;) {
      const older = this.#frozen.at(-2)
      const newer = this.#frozen.at(-1)
      if (older === undefined || newer === undefined || !('table' in older) || !('table' in newer)) return
      if (newer.table.size * 2 < older.table.size || this.#frozen.length - this.#flushing < 2) return
      if (newer.table.size + older.table.size > MAX_MERGED_KEYS) return
      this.#frozen = [...this.#frozen.slice(0, -2), mergedItem(older, newer)]
    }
  }
}

function newTable<T extends Sized>(): ActiveTable<T> {
  return { table: new MemTable<T>(), firstSequence: 0, sequence: 0, weight: 0 }
}

/** Weight of the tables among frozen items, without that of deleted ranges. */
export function weightOfTables<T extends Sized>(items: readonly Frozen<T>[]): number {
  return items.reduce((sum, item) => sum + ('table' in item ? item.weight : 0), 0)
}

function mergedItem<T extends Sized>(older: FrozenTable<T>, newer: FrozenTable<T>): FrozenTable<T> {
  const table = MemTable.merged(older.table, newer.table)
  table.freeze()
  return {
    table,
    firstSequence: older.firstSequence,
    sequence: newer.sequence,
    weight: older.weight + newer.weight
  }
}

/** The newest entry under a name in a view: a value, `TOMBSTONE` if the key was deleted, or undefined. */
export function findIn<T extends Sized>(frozen: readonly Frozen<T>[], name: string): Kept<T> | undefined {
  for (let i = frozen.length - 1; i >= 0; i--) {
    const item = frozen[i]!
    if ('clear' in item) {
      if (covers(item.clear, name)) return TOMBSTONE
      continue
    }
    const found = item.table.find(name)
    if (found !== undefined) return found
  }
  return undefined
}

import { type Found, MemTable, TOMBSTONE } from './memtable.js'
import { covers, type RangeTombstone } from './range-tombstone.js'

/** Where something stands in the log, and what it counts against the bytes that may wait for the backend. */
export interface Weighed {
  /** Number of the last record that is in it. */
  readonly sequence: number
  readonly weight: number
}

/** Never changes. */
export interface FrozenTable<T extends Sized> extends Weighed {
  readonly table: MemTable<T>
}

/** A deleted range. It hides what is older than it in the list, and in the backend. */
export interface FrozenClear extends Weighed {
  readonly clear: RangeTombstone
}

export type Frozen<T extends Sized> = FrozenTable<T> | FrozenClear

interface Sized {
  readonly length: number
}

/**
 * What is logged and not yet in the backend: a table that takes writes, and before it a list of what is frozen, oldest first.
 *
 * Nothing that is frozen changes, so the list as it is at one moment, over a snapshot of the backend, is a view of that moment.
 */
export class Tables<T extends Sized> {
  #active = new MemTable<T>()
  #activeSequence = 0
  #activeWeight = 0
  /** Replaced, not changed: views keep it. */
  #frozen: readonly Frozen<T>[] = []
  #flushing = false

  // ---- writing

  /** @param found a value, or that the key was deleted */
  set(name: string, found: Found<T>, { sequence, weight }: Weighed): void {
    this.#active.set(name, found)
    this.#activeSequence = sequence
    this.#activeWeight += weight
  }

  /** Deletes a range, as far as it was written before. */
  clear(range: RangeTombstone, { sequence, weight }: Weighed): void {
    this.freeze()
    this.#frozen = [...this.#frozen, { clear: range, sequence, weight }]
  }

  // ---- reading

  /** What is known of a key: a value, that it was deleted, or nothing, and then the backend knows. */
  find(name: string): Found<T> | undefined {
    return this.#active.find(name) ?? findIn(this.#frozen, name)
  }

  get isEmpty(): boolean {
    return this.#frozen.length === 0 && this.#active.size === 0
  }

  /** The newest entries at this moment. */
  view(): readonly Frozen<T>[] {
    this.freeze()
    this.#mergeNewest()
    return this.#frozen
  }

  /** Keys in all tables; one that is in several counts in each. */
  get entries(): number {
    return this.#frozen.reduce((sum, item) => sum + ('table' in item ? item.table.size : 0), this.#active.size)
  }

  /** Of their keys and values. */
  get bytes(): number {
    return this.#frozen.reduce((sum, item) => sum + ('table' in item ? item.table.bytes : 0), this.#active.bytes)
  }

  // ---- flushing

  /** What the table that takes writes counts. */
  get activeWeight(): number {
    return this.#activeWeight
  }

  /** How many frozen tables and ranges wait for the backend. */
  get frozenCount(): number {
    return this.#frozen.length
  }

  /** What comes next into the backend. */
  get oldest(): Frozen<T> | undefined {
    return this.#frozen[0]
  }

  /**
   * The table that takes writes becomes the newest of the frozen ones, if it has anything.
   *
   * @returns number of the last record that is frozen; 0 for none
   */
  freeze(): number {
    if (this.#active.size === 0) return this.#frozen.at(-1)?.sequence ?? 0
    this.#active.freeze()
    this.#frozen = [
      ...this.#frozen,
      { table: this.#active, sequence: this.#activeSequence, weight: this.#activeWeight }
    ]
    this.#active = new MemTable<T>()
    this.#activeWeight = 0
    return this.#activeSequence
  }

  /**
   * Takes what is oldest for the backend. Small tables that views have left are taken together, so that a value which a newer one has
   * overwritten is not given to it.
   *
   * @param maxWeight of tables taken together
   */
  startFlush(maxWeight: number): Frozen<T> | undefined {
    for (;;) {
      const [first, second] = this.#frozen
      if (first === undefined) return undefined
      const together = second !== undefined && 'table' in first && 'table' in second
      if (!together || first.weight + second.weight > maxWeight) break
      this.#frozen = [mergedItem(first, second), ...this.#frozen.slice(2)]
    }
    this.#flushing = true
    return this.#frozen[0]
  }

  /** @param done whether the backend has what {@link startFlush} returned */
  endFlush(done: boolean): void {
    this.#flushing = false
    if (done) this.#frozen = this.#frozen.slice(1)
  }

  /**
   * The newest table joins its older neighbour if it is at least half its size, so that views leave few tables, and each entry is moved
   * few times. Never one that is being flushed.
   */
  #mergeNewest(): void {
    for (;;) {
      const older = this.#frozen.at(-2)
      const newer = this.#frozen.at(-1)
      if (older === undefined || newer === undefined || !('table' in older) || !('table' in newer)) return
      if (newer.table.size * 2 < older.table.size || (this.#flushing && this.#frozen.length === 2)) return
      this.#frozen = [...this.#frozen.slice(0, -2), mergedItem(older, newer)]
    }
  }
}

function mergedItem<T extends Sized>(older: FrozenTable<T>, newer: FrozenTable<T>): FrozenTable<T> {
  const table = MemTable.merged(older.table, newer.table)
  table.freeze()
  return { table, sequence: newer.sequence, weight: older.weight + newer.weight }
}

/** The newest that is known of a key. */
export function findIn<T extends Sized>(frozen: readonly Frozen<T>[], name: string): Found<T> | undefined {
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

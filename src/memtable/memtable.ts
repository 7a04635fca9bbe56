import { CompressedKvError } from '../errors.js'
import { keyOfName, nameOf } from './key-name.js'
import { placesOf } from './name-range.js'
import { sorting } from './sorting.js'

/** What a table has under a key that was deleted: it hides the values of that key in older tables and the backend. */
export const TOMBSTONE = Symbol('tombstone')

/** What a table keeps under a key: a value, or that the key was deleted. */
export type Kept<T> = T | typeof TOMBSTONE

/** A range of keys. Bounds are keys; text stands for its UTF-8. `gte` and `lte` win over `gt` and `lt`. */
export interface MemTableRange {
  readonly gt?: Uint8Array | string | undefined
  readonly gte?: Uint8Array | string | undefined
  readonly lt?: Uint8Array | string | undefined
  readonly lte?: Uint8Array | string | undefined
  /** Last key first. Default false. */
  readonly reverse?: boolean | undefined
}

/**
 * A table in memory, with the newest value of each key, and with keys that were deleted. Keys are bytes, and are compared as bytes.
 *
 * It is a Map, and is put in order only when the order is asked for: that is three times as fast as a tree that is always in order.
 *
 * @typeParam T type of values; the `length` of a value is what it counts in {@link bytes}. Values are kept as they are given, and not copied
 */
export class MemTable<T extends { readonly length: number } = Uint8Array> {
  readonly #entries = new Map<string, Kept<T>>()
  #bytes = 0
  #frozen = false
  /** Names in order. The array is never changed, only replaced, since merged tables share it. */
  #sorted: readonly string[] = []
  /** Names that are not in `#sorted` yet. */
  #unsorted: string[] = []
  #ordering: Promise<void> | undefined

  /** A table with the entries of an older and a newer one. Neither of them changes. */
  static merged<T extends { readonly length: number }>(older: MemTable<T>, newer: MemTable<T>): MemTable<T> {
    const table = new MemTable<T>()
    for (const [name, found] of older.#entries) table.#entries.set(name, found)
    table.#bytes = older.#bytes
    table.#sorted = older.#sorted
    table.#unsorted = [...older.#unsorted]
    for (const [name, found] of newer.#entries) table.set(name, found)
    return table
  }

  // ---- by key

  /** @throws LEVEL_READONLY once frozen */
  put(key: Uint8Array | string, value: T): void {
    this.set(nameOf(key), value)
  }

  /**
   * Remembers that a key was deleted.
   *
   * @throws LEVEL_READONLY once frozen
   */
  del(key: Uint8Array | string): void {
    this.set(nameOf(key), TOMBSTONE)
  }

  /** The value of a key; undefined also for one that was deleted. */
  get(key: Uint8Array | string): T | undefined {
    const found = this.#entries.get(nameOf(key))
    return found === TOMBSTONE ? undefined : found
  }

  /** Whether a key has a value. */
  has(key: Uint8Array | string): boolean {
    return this.get(key) !== undefined
  }

  /**
   * Keys and values in order; the value is undefined for a key that was deleted. Of a table that is written to meanwhile, it gives the keys that there
   * were at the first step, each with its value at that key's own step.
   */
  *entries({ gt, gte, lt, lte, reverse = false }: MemTableRange = {}): Generator<[key: Buffer, value: T | undefined]> {
    const names = this.order()
    const range = { gt: boundOf(gt), gte: boundOf(gte), lt: boundOf(lt), lte: boundOf(lte) }
    const { from, to } = placesOf(names, range)
    for (let i = 0; i < to - from; i++) {
      const name = names[reverse ? to - 1 - i : from + i]!
      const found = this.#entries.get(name)
      if (found !== undefined) yield [keyOfName(name), found === TOMBSTONE ? undefined : found]
    }
  }

  // ---- by name, for callers that have the name of a key already

  /** @throws LEVEL_READONLY once frozen */
  set(name: string, kept: Kept<T>): void {
    if (this.#frozen) throw frozen()
    const before = this.#entries.get(name)
    this.#entries.set(name, kept)
    if (before === undefined) {
      this.#unsorted.push(name)
      this.#bytes += name.length
    } else if (before !== TOMBSTONE) this.#bytes -= before.length
    if (kept !== TOMBSTONE) this.#bytes += kept.length
  }

  /** What the table has under a name: a value, `TOMBSTONE` if the key was deleted, or undefined. */
  find(name: string): Kept<T> | undefined {
    return this.#entries.get(name)
  }

  /** All names in order. */
  order(): readonly string[] {
    if (this.#unsorted.length > 0) {
      const steps = sorting(this.#sorted, this.#unsorted)
      let step = steps.next()
      while (step.done !== true) step = steps.next()
      this.#ordered(step.value)
    }
    return this.#sorted
  }

  /**
   * Puts the table in order, so that {@link order} has nothing left to do; if it is frozen, in small steps.
   *
   * @param pause called between steps; what it returns is awaited
   */
  async prepareOrder(pause: () => Promise<void> | undefined): Promise<void> {
    if (this.#unsorted.length === 0) return
    if (!this.#frozen) this.order() // All at once: during a pause it might be written to.
    else await (this.#ordering ??= this.#orderInSteps(pause).finally(() => (this.#ordering = undefined)))
  }

  async #orderInSteps(pause: () => Promise<void> | undefined): Promise<void> {
    const steps = sorting(this.#sorted, this.#unsorted)
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return this.#ordered(step.value)
      const waiting = pause()
      if (waiting !== undefined) await waiting
    }
  }

  #ordered(names: readonly string[]): void {
    this.#sorted = names
    this.#unsorted = []
  }

  // ---- the table as a whole

  /** Number of keys, deleted ones included. */
  get size(): number {
    return this.#entries.size
  }

  /** Bytes of keys and values, without the about 150 bytes more that JavaScript needs for each entry. */
  get bytes(): number {
    return this.#bytes
  }

  get isFrozen(): boolean {
    return this.#frozen
  }

  /** From now on the table never changes. */
  freeze(): void {
    this.#frozen = true
  }

  /** @throws LEVEL_READONLY once frozen */
  clear(): void {
    if (this.#frozen) throw frozen()
    this.#entries.clear()
    this.#bytes = 0
    this.#ordered([])
  }
}

function boundOf(key: Uint8Array | string | undefined): string | undefined {
  return key === undefined ? undefined : nameOf(key)
}

function frozen(): CompressedKvError {
  return new CompressedKvError(
    'LEVEL_READONLY',
    'The MemTable is frozen and does not change any more: write to a new one'
  )
}

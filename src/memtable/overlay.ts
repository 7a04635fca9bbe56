import { keyName } from './key-name.js'
import type { Kept, MemTable } from './memtable.js'
import { countBelow, countUpTo, type NameRange, placesOf } from './name-range.js'
import { covers, type RangeTombstone } from './range-tombstone.js'
import type { Frozen } from './tables.js'

/** The part of a table's names that is still to come: `[from, to)`. */
interface Place {
  names: readonly string[]
  from: number
  to: number
}

/** A place in one table, whose names are gone through in a range, upwards or downwards. */
interface Cursor<T extends { readonly length: number }> extends Place {
  readonly table: MemTable<T>
  /** Ranges that were deleted after the table was frozen. */
  readonly clearsAfter: readonly RangeTombstone[]
}

/**
 * What tables have in a range of keys, to be merged with the backend: the newest entry of each key, in order, and deleted ranges, which hide entries of
 * the backend.
 */
export class Overlay<T extends { readonly length: number }> {
  readonly #cursors: Cursor<T>[] = []
  readonly #clears: RangeTombstone[] = []
  readonly #range: NameRange
  readonly #reverse: boolean
  #target: string | undefined
  #prepared = false
  /** The next name, and what the newest table that has it has under it. */
  #head: { name: string; found: Kept<T> } | undefined

  constructor(frozen: readonly Frozen<T>[], range: NameRange = {}, reverse = false) {
    this.#range = range
    this.#reverse = reverse
    for (let i = frozen.length - 1; i >= 0; i--) {
      const item = frozen[i]!
      if ('clear' in item) this.#clears.push(item.clear)
      else this.#cursors.push({ table: item.table, clearsAfter: [...this.#clears], names: [], from: 0, to: 0 })
    }
  }

  /** Puts the tables in order. Needed before the first use of `head` and `advance`. */
  async prepare(pause: () => Promise<void> | undefined): Promise<void> {
    if (this.#prepared) return
    for (const { table } of this.#cursors) await table.prepareOrder(pause)
    this.#prepared = true
    this.#position()
  }

  get isPrepared(): boolean {
    return this.#prepared
  }

  /** Goes on at a name; if there is no such name, at the next one in the direction. */
  seek(target: string): void {
    this.#target = target
    if (this.#prepared) this.#position()
  }

  /** The next name, and the newest entry under it; undefined at the end. */
  get head(): { readonly name: string; readonly found: Kept<T> } | undefined {
    return this.#head
  }

  /** Whether what the backend has under this key was deleted with a range. */
  hides(key: Buffer): boolean {
    if (this.#clears.length === 0) return false
    const name = keyName(key)
    return this.#clears.some(clear => covers(clear, name))
  }

  advance(): void {
    this.#head = undefined
    while (this.#head === undefined) {
      const name = this.#nextName()
      if (name === undefined) return
      for (const cursor of this.#cursors) {
        if (nameAt(cursor, this.#reverse) !== name) continue
        const clear = cursor.clearsAfter.find(range => covers(range, name))
        if (clear === undefined) {
          step(cursor, this.#reverse)
          this.#head ??= { name, found: cursor.table.find(name)! }
        } else skip(cursor, clear, this.#reverse) // Nothing is lost: what the range hides in the backend, hides() tells.
      }
    }
  }

  #nextName(): string | undefined {
    let first: string | undefined
    for (const cursor of this.#cursors) {
      const name = nameAt(cursor, this.#reverse)
      if (name !== undefined && (first === undefined || (this.#reverse ? name > first : name < first))) first = name
    }
    return first
  }

  #position(): void {
    for (const cursor of this.#cursors) {
      cursor.names = cursor.table.order()
      const { from, to } = placesOf(cursor.names, this.#range)
      cursor.from = from
      cursor.to = to
      if (this.#target === undefined) continue
      if (this.#reverse) cursor.to = Math.min(to, countUpTo(cursor.names, this.#target))
      else cursor.from = Math.max(from, countBelow(cursor.names, this.#target))
    }
    this.advance()
  }
}

function nameAt({ names, from, to }: Place, reverse: boolean): string | undefined {
  return from < to ? names[reverse ? to - 1 : from] : undefined
}

function step(cursor: Place, reverse: boolean): void {
  if (reverse) cursor.to--
  else cursor.from++
}

/** Moves a cursor past a range that covers its name. In one go, since any number of names may be hidden, and every iterator comes to them. */
function skip(cursor: Place, { start, end }: RangeTombstone, reverse: boolean): void {
  if (reverse) cursor.to = countBelow(cursor.names, start)
  else cursor.from = end === undefined ? cursor.to : countBelow(cursor.names, end)
}

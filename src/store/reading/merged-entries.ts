import { keyName, keyOfName } from '../../memtable/key-name.js'
import { TOMBSTONE } from '../../memtable/memtable.js'
import type { Overlay } from '../../memtable/overlay.js'
import { nextTurn, Turn } from '../../turn.js'
import { isReserved } from '../backend/reserved-keys.js'
import type { TableValue } from '../table-value.js'

/** One call asks the backend for at least this many entries, since some of them may be hidden by tables. */
const MIN_FETCH = 16
/** While all entries are hidden, each call asks for this many times as many as the one before. */
const FETCH_GROWTH = 4
const MAX_FETCH = 1024
/** How many entries in a row may be hidden before the clock is read: that takes some 20 µs. */
const HIDDEN_BETWEEN_CHECKS = 64

/** A key and its value, which is an envelope of the backend or what a table keeps. Either is undefined if it was not asked for. */
export type UnopenedEntry = [key: Uint8Array | undefined, value: Uint8Array | TableValue | undefined]

/** A source of entries, in order: an iterator of the backend, or one merged with tables. */
export interface UnopenedEntries {
  /** @returns up to `size` entries; none at the end */
  nextv(size: number, options: object): Promise<UnopenedEntry[]>
  seek(target: Buffer, options: object): void
  close(): Promise<void>
}

/** The entries of the backend and of the tables, in order. An entry of a table hides one of the backend with the same key. */
export class MergedEntries implements UnopenedEntries {
  readonly #backend: UnopenedEntries
  readonly #overlay: Overlay<TableValue>
  readonly #reverse: boolean
  readonly #turn = new Turn()
  /** Entries of the backend. Those from `#at` on are not merged yet. */
  #fetched: UnopenedEntry[] = []
  #at = 0
  #backendEnded = false
  /** The name of the entry at `#at`, if it has been needed. */
  #storedName: string | undefined
  #fetchSize = MIN_FETCH

  constructor(backend: UnopenedEntries, overlay: Overlay<TableValue>, reverse: boolean) {
    this.#backend = backend
    this.#overlay = overlay
    this.#reverse = reverse
  }

  async nextv(size: number, options: object): Promise<UnopenedEntry[]> {
    if (!this.#overlay.isPrepared) await this.#overlay.prepare(() => (this.#turn.isOver ? nextTurn() : undefined))
    if (this.#turn.isOver) await nextTurn() // If the backend has nothing left, no fetch lets the event loop run.
    const entries: UnopenedEntry[] = []
    let hidden = 0
    while (entries.length < size) {
      if (this.#at === this.#fetched.length && !this.#backendEnded) {
        if (entries.length > 0) break // If the fetch failed, these entries would be lost.
        await this.#fetch(Math.max(size, this.#fetchSize), options)
      }
      const stored = this.#fetched[this.#at]
      if (stored === undefined && this.#overlay.head === undefined) break
      const entry = this.#takeNext(stored)
      if (entry !== undefined) entries.push(entry)
      // Any number of entries in a row may be hidden.
      else if (++hidden % HIDDEN_BETWEEN_CHECKS === 0 && this.#turn.isOver) await nextTurn()
    }
    this.#fetchSize = MIN_FETCH
    return entries
  }

  seek(target: Buffer, options: object): void {
    this.#fetched = []
    this.#at = 0
    this.#storedName = undefined
    this.#backendEnded = false
    this.#backend.seek(target, options)
    this.#overlay.seek(keyName(target))
  }

  close(): Promise<void> {
    return this.#backend.close()
  }

  async #fetch(size: number, options: object): Promise<void> {
    this.#fetched = await this.#backend.nextv(size, options)
    this.#at = 0
    this.#storedName = undefined
    this.#backendEnded = this.#fetched.length === 0
    this.#fetchSize = Math.min(this.#fetchSize * FETCH_GROWTH, MAX_FETCH)
  }

  /**
   * Takes the entry that comes next in order, from the backend or from the tables.
   *
   * @param stored the next entry of the backend
   * @returns undefined if the entry is hidden, or was deleted
   */
  #takeNext(stored: UnopenedEntry | undefined): UnopenedEntry | undefined {
    const { head } = this.#overlay
    const isStoredFirst = stored !== undefined && (head === undefined || this.#isBefore(stored, head.name))
    if (isStoredFirst) {
      const key = stored[0] as Buffer
      this.#step()
      // A clear leaves reserved keys alone, and a backup needs the dictionaries under them.
      return this.#overlay.hides(key) && !isReserved(key) ? undefined : stored
    }
    const { name, found } = head!
    if (stored !== undefined && this.#nameOf(stored) === name) this.#step()
    this.#overlay.advance()
    return found === TOMBSTONE ? undefined : [keyOfName(name), found]
  }

  #isBefore(stored: UnopenedEntry, name: string): boolean {
    const storedName = this.#nameOf(stored)
    return this.#reverse ? storedName > name : storedName < name
  }

  /** Kept, since any number of entries of the tables may come before one of the backend. */
  #nameOf(stored: UnopenedEntry): string {
    return (this.#storedName ??= keyName(stored[0] as Buffer))
  }

  #step(): void {
    this.#at++
    this.#storedName = undefined
  }
}

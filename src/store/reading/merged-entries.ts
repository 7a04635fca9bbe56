import { keyName, keyOfName } from '../../memtable/key-name.js'
import { TOMBSTONE } from '../../memtable/memtable.js'
import type { Overlay } from '../../memtable/overlay.js'
import { nextTurn, Turn } from '../../turn.js'
import { isReserved } from '../backend/reserved-keys.js'
import type { TableValue } from '../table-value.js'
import type { UnopenedEntries, UnopenedEntry } from './unopened-entries.js'

/** One call asks the backend for at least this many entries, since some of them may be hidden by tables. */
const MIN_FETCH = 16

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
  /** The key of the overlay's head. */
  #head: Buffer | undefined

  constructor(backend: UnopenedEntries, overlay: Overlay<TableValue>, reverse: boolean) {
    this.#backend = backend
    this.#overlay = overlay
    this.#reverse = reverse
  }

  async nextv(size: number, options: object): Promise<UnopenedEntry[]> {
    if (!this.#overlay.isPrepared) {
      await this.#overlay.prepare(() => (this.#turn.isOver ? nextTurn() : undefined))
      this.#readHead()
    }
    if (this.#turn.isOver) await nextTurn() // If the backend has nothing left, no fetch lets the event loop run.
    const entries: UnopenedEntry[] = []
    while (entries.length < size) {
      if (this.#at === this.#fetched.length && !this.#backendEnded) {
        if (entries.length > 0) break // If the fetch failed, these entries would be lost.
        await this.#fetch(Math.max(size, MIN_FETCH), options)
      }
      const stored = this.#fetched[this.#at]
      if (stored === undefined && this.#head === undefined) break
      const entry = this.#takeNext(stored)
      if (entry !== undefined) entries.push(entry)
      else if (this.#turn.isOver) await nextTurn() // Any number of entries in a row may be hidden.
    }
    return entries
  }

  seek(target: Buffer, options: object): void {
    this.#fetched = []
    this.#at = 0
    this.#backendEnded = false
    this.#backend.seek(target, options)
    this.#overlay.seek(keyName(target))
    if (this.#overlay.isPrepared) this.#readHead()
  }

  close(): Promise<void> {
    return this.#backend.close()
  }

  async #fetch(size: number, options: object): Promise<void> {
    this.#fetched = await this.#backend.nextv(size, options)
    this.#at = 0
    this.#backendEnded = this.#fetched.length === 0
  }

  /**
   * Takes the entry that comes next in order, from the backend or from the tables.
   *
   * @param stored the next entry of the backend
   * @returns undefined if the entry is hidden, or was deleted
   */
  #takeNext(stored: UnopenedEntry | undefined): UnopenedEntry | undefined {
    const order = stored === undefined ? 1 : this.#head === undefined ? -1 : this.#compare(stored[0] as Buffer)
    if (order < 0) {
      this.#at++
      const key = stored![0] as Buffer
      // A clear leaves reserved keys alone, and a backup needs the dictionaries under them.
      return this.#overlay.hides(key) && !isReserved(key) ? undefined : stored
    }
    if (order === 0) this.#at++
    const key = this.#head!
    const { found } = this.#overlay.head!
    this.#overlay.advance()
    this.#readHead()
    return found === TOMBSTONE ? undefined : [key, found]
  }

  #compare(key: Buffer): number {
    const order = Buffer.compare(key, this.#head!)
    return this.#reverse ? -order : order
  }

  #readHead(): void {
    const { head } = this.#overlay
    this.#head = head === undefined ? undefined : keyOfName(head.name)
  }
}

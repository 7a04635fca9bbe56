import { clearTimeout, setTimeout } from 'node:timers'
import { ENCODINGS, type Operation, type TensorBackingStore } from './backing-store.js'
import type { Entry, EntryIndex } from './entry-index.js'
import { textOf } from './entry-record.js'
import type { EntryKeys } from './keys.js'

/** How long a change may wait to be written. A record is written at most once in that time, however often its entry is used. */
const WRITE_DELAY_MS = 10_000

/** Writes records of entries that have changed: when they were used, and their exact sizes. */
export class RecordWriter {
  readonly #db: TensorBackingStore
  readonly #keys: EntryKeys
  readonly #index: EntryIndex
  readonly #changed = new Set<Entry>()
  #timer: NodeJS.Timeout | undefined
  /** Never rejects. */
  #flushing = Promise.resolve()
  #stopped = false

  constructor(db: TensorBackingStore, keys: EntryKeys, index: EntryIndex) {
    this.#db = db
    this.#keys = keys
    this.#index = index
  }

  /** Writes the entry's record later, with others. */
  changed(entry: Entry): void {
    this.#changed.add(entry)
    if (this.#stopped) return
    // This fails in a store that is read-only or closing. What is lost then are only times of use and exact sizes.
    this.#timer ??= setTimeout(() => void this.flush().catch(() => {}), WRITE_DELAY_MS)
    this.#timer.unref()
  }

  /** Writes all changed records now. @throws what the store throws; then they are written with the next change */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const flushed = this.#flushing.then(() => this.#write())
    this.#flushing = flushed.catch(() => {})
    return flushed
  }

  async #write(): Promise<void> {
    // An entry that is being replaced is left out: the one in its place is written with its record.
    const changed = [...this.#changed].filter(entry => !this.#index.writing.has(entry.id))
    for (const entry of changed) this.#changed.delete(entry)
    const operations = changed
      .filter(entry => this.#index.has(entry) && !entry.doomed)
      .map(entry => recordPut(this.#keys, entry))
    if (operations.length === 0) return
    try {
      await this.#db.batch(operations, ENCODINGS.text)
    } catch (error) {
      for (const entry of changed) this.changed(entry)
      throw error
    }
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }
}

export function recordPut(keys: EntryKeys, { id, record }: Pick<Entry, 'id' | 'record'>): Operation {
  return { type: 'put', key: keys.index(id), value: textOf(record), ...ENCODINGS.text }
}

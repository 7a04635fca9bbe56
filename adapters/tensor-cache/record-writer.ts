import { setTimeout } from 'node:timers'
import { ENCODINGS, type Operation, type TensorBackingStore } from './backing-store.js'
import type { Entry, EntryIndex } from './entry-index.js'
import { textOf } from './entry-record.js'
import type { EntryKeys } from './keys.js'

/** How long a change may wait. A record is written at most once in that time, no matter how often its chunk is used. */
const WRITE_DELAY_MS = 10_000

/** Writes records of entries that changed: when they were used, and their exact sizes. */
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
    // Fails in a store that is read-only or closing: then only the times of use are lost.
    this.#timer ??= setTimeout(() => void this.flush().catch(() => {}), WRITE_DELAY_MS)
    this.#timer.unref()
  }

  /** @throws what the store throws; the records are written with the next change */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const flushed = this.#flushing.then(() => this.#write())
    this.#flushing = flushed.catch(() => {})
    return flushed
  }

  async #write(): Promise<void> {
    // A write in an entry's place has a record of its own.
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

import type { AbstractSnapshot } from 'abstract-level'
import { keyName } from '../memtable/key-name.js'
import type { NameRange } from '../memtable/name-range.js'
import { Overlay } from '../memtable/overlay.js'
import type { Frozen } from '../memtable/tables.js'
import type { AnyLevel } from './any-level.js'
import { asBuffer, AS_BYTES } from './as-bytes.js'
import { copiedBounds } from './caller-buffers.js'
import type { Unsealer } from './unsealer.js'
import { isOutside, type KeyRange } from './key-range.js'
import { isReserved, mayHoldReserved } from './reserved-keys.js'
import { MergedEntries } from './merged-entries.js'
import { backendSnapshotOf } from './snapshot.js'
import type { StoredEntries, StoredEntry } from './stored-entries.js'
import type { TableValue } from './table-value.js'

/** Decoded bytes that one call of nextv() hands out at most, if it has more than one entry. */
const MAX_CHUNK_BYTES = 16 * 1024 * 1024

/** As abstract-level hands them to `_iterator`: bounds encoded, `keys` and `values` set. */
export interface EncodedIteratorOptions extends KeyRange {
  readonly keys: boolean
  readonly values: boolean
  readonly reverse: boolean
  /** -1 for none */
  readonly limit: number
  readonly snapshot?: AbstractSnapshot
  readonly signal?: AbortSignal
}

type Entry = [key: Buffer | undefined, value: Buffer | undefined]

/** What there is to read: the backend, and what lies over it. */
export interface ReadView {
  readonly backend: AnyLevel
  readonly frozen: readonly Frozen<TableValue>[]
  /** Whether values have to be looked at even when only keys are wanted, because some may have expired. */
  readonly ttlUsed: boolean
}

/** Entries of backend and tables, opened, without reserved keys and without what has expired. What the iterators hand out. */
export class EntrySource {
  readonly #source: StoredEntries
  readonly #unsealer: Unsealer
  readonly #options: EncodedIteratorOptions
  readonly #filterKeys: boolean
  /** Fetched and not handed out yet. */
  #fetched: StoredEntry[] = []
  #soughtOutside = false

  constructor({ backend, frozen, ttlUsed }: ReadView, encoded: EncodedIteratorOptions, unsealer: Unsealer) {
    const options = copiedBounds(encoded)
    const overlaid = frozen.length > 0
    // Without a view of one moment, what expires may be written after the iterator was made.
    const expiring = ttlUsed || !backend.supports.implicitSnapshots
    const filterKeys = mayHoldReserved(options)
    const stored = backend.iterator<Buffer, Uint8Array>({
      ...options,
      ...AS_BYTES,
      keys: options.keys || filterKeys || overlaid,
      values: options.values || expiring,
      // What is filtered out must not count, so the iterator alone does the counting.
      limit: filterKeys || expiring || overlaid ? -1 : options.limit,
      snapshot: backendSnapshotOf(options.snapshot, backend)
    }) as StoredEntries
    const { reverse } = options
    this.#source = overlaid
      ? new MergedEntries(stored, new Overlay(frozen, namesOf(options), reverse), reverse)
      : stored
    this.#options = options
    this.#unsealer = unsealer
    this.#filterKeys = filterKeys
  }

  async next(): Promise<Entry | undefined> {
    for (;;) {
      if (this.#soughtOutside) return undefined
      const stored = this.#fetched.shift() ?? (await this.#source.next())
      if (stored === undefined) return undefined
      const opened = this.#open(stored)
      if (opened === undefined) continue
      const { value } = opened
      return [opened.key, value instanceof Promise ? await value : value]
    }
  }

  async nextv(size: number, options: object): Promise<Entry[]> {
    for (;;) {
      if (this.#soughtOutside) return []
      const stored = this.#fetched.length > 0 ? this.#fetched : await this.#fetch(size, options)
      if (stored.length === 0) return []
      this.#fetched = []
      const entries = await this.#openChunk(stored, size)
      if (entries.length > 0) return entries
    }
  }

  seek(target: Buffer, options: object): void {
    this.#fetched = []
    // classic-level 3.0.0 aborts the process when an empty database is sought outside the range.
    this.#soughtOutside = isOutside(target, this.#options)
    if (this.#soughtOutside) return
    this.#source.seek(target, { ...options, ...AS_BYTES })
  }

  async close(): Promise<void> {
    this.#fetched = []
    return this.#source.close()
  }

  /** Up to `size` entries of the backend; fewer if it gave fewer, not because reserved ones were among them. */
  async #fetch(size: number, options: object): Promise<StoredEntry[]> {
    const visible: StoredEntry[] = []
    for (;;) {
      const fetched = await this.#source.nextv(size - visible.length, options)
      if (!this.#filterKeys) return fetched
      const before = visible.length
      for (const entry of fetched) if (!isReserved(entry[0]!)) visible.push(entry)
      if (visible.length - before === fetched.length || visible.length === size) return visible
    }
  }

  /**
   * Opens fetched entries, as many as a chunk may hold; the rest is kept. A corrupt one ends the chunk before it, and is thrown
   * by the call that begins with it, so that a caller who goes on misses that entry alone.
   */
  async #openChunk(stored: readonly StoredEntry[], size: number): Promise<Entry[]> {
    const entries: Entry[] = []
    /** Values restored off the main thread, and where their entries stand in `stored`. */
    const pending: { at: number; entry: Entry; value: Promise<Buffer> }[] = []
    let failure: { at: number; error: unknown } | undefined
    let at = 0
    for (let bytes = 0; at < stored.length && entries.length < size && bytes < MAX_CHUNK_BYTES; at++) {
      try {
        const opened = this.#open(stored[at]!)
        if (opened === undefined) continue
        bytes += opened.bytes
        const { key, value } = opened
        const entry: Entry = [key, value instanceof Promise ? undefined : value]
        if (value instanceof Promise) pending.push({ at, entry, value })
        entries.push(entry)
      } catch (error) {
        failure = { at, error }
        break
      }
    }
    this.#fetched = stored.slice(at)
    const restored = pending.length === 0 ? [] : await Promise.allSettled(pending.map(({ value }) => value))
    for (const [i, result] of restored.entries()) {
      const { entry } = pending[i]!
      if (result.status === 'fulfilled') entry[1] = result.value
      else {
        failure = { at: pending[i]!.at, error: result.reason }
        entries.length = entries.indexOf(entry)
        break
      }
    }
    if (failure === undefined) return entries
    this.#fetched = stored.slice(entries.length > 0 ? failure.at : failure.at + 1)
    if (entries.length === 0) throw failure.error
    return entries
  }

  /** undefined for an entry that is not to be seen. */
  #open([storedKey, storedValue]: StoredEntry) {
    const key = storedKey === undefined ? undefined : asBuffer(storedKey)
    if (this.#filterKeys && isReserved(key!)) return undefined
    const isStored = storedValue === undefined || storedValue instanceof Uint8Array
    if (!this.#options.values) {
      if (storedValue !== undefined && !this.#unsealer.isVisible(storedValue)) return undefined
      // A key of a table was made for this.
      const own = this.#options.keys ? (isStored ? this.#unsealer.own(key!) : key) : undefined
      return { key: own, value: undefined, bytes: 0 }
    }
    if (!isStored) {
      const value = this.#unsealer.tableValue(storedValue)
      return value && { key: this.#options.keys ? key : undefined, value, bytes: storedValue.rawLength }
    }
    const opened = this.#unsealer.open(storedValue!)
    if (opened === undefined) return undefined
    return {
      key: this.#options.keys ? this.#unsealer.own(key!) : undefined,
      value: this.#unsealer.value(opened),
      bytes: opened.rawLength
    }
  }
}

function namesOf({ gt, gte, lt, lte }: KeyRange): NameRange {
  return { gt: gt && keyName(gt), gte: gte && keyName(gte), lt: lt && keyName(lt), lte: lte && keyName(lte) }
}

import type { AbstractSnapshot } from 'abstract-level'
import { keyName } from '../../memtable/key-name.js'
import type { NameRange } from '../../memtable/name-range.js'
import { Overlay } from '../../memtable/overlay.js'
import type { Frozen } from '../../memtable/tables.js'
import type { AnyLevel } from '../any-level.js'
import { asBuffer, AS_BYTES } from '../as-bytes.js'
import { copiedBounds } from '../caller-buffers.js'
import { ofKey } from './of-key.js'
import type { Unsealer } from './unsealer.js'
import { isOutside, type KeyRange } from '../key-range.js'
import { isReserved, mayHoldReserved } from '../reserved-keys.js'
import { MergedEntries } from './merged-entries.js'
import { backendSnapshotOf } from './snapshot.js'
import type { StoredEntries, StoredEntry } from './stored-entries.js'
import type { TableValue } from '../writing/table-value.js'

/** Decoded bytes that one call of nextv() hands out at most, if it has more than one entry. */
const MAX_CHUNK_BYTES = 16 * 1024 * 1024
/**
 * Stored bytes that next() fetches ahead, by the size of those it has seen: each fetch is a trip to another thread. classic-level fetches
 * 16 KiB unless told otherwise.
 */
const READ_AHEAD_BYTES = 64 * 1024
/** And entries: others may be larger than those seen. */
const MAX_READ_AHEAD = 64
/** It is common to want one entry only, so the first comes alone; then so many times more each time. */
const READ_AHEAD_GROWTH = 8

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

export type Entry = [key: Buffer | undefined, value: Buffer | undefined]

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
  readonly #readsAhead: boolean
  /** Fetched; what lies before `#at` was handed out. */
  #fetched: readonly StoredEntry[] = NONE
  #at = 0
  /** How many entries next() fetches. */
  #ahead = 1
  /** How many entries the caller may still take. */
  #left: number
  #soughtOutside = false

  constructor({ backend, frozen, ttlUsed }: ReadView, encoded: EncodedIteratorOptions, unsealer: Unsealer) {
    const options = copiedBounds(encoded)
    const overlaid = frozen.length > 0
    // Without a view of one moment, what expires may be written after the iterator was made.
    const expiring = ttlUsed || !backend.supports.implicitSnapshots
    const filterKeys = mayHoldReserved(options)
    const stored = backend.iterator<Buffer, Uint8Array>({
      highWaterMarkBytes: READ_AHEAD_BYTES,
      ...options,
      ...AS_BYTES,
      keys: options.keys || filterKeys || overlaid,
      values: options.values || expiring,
      // What is filtered out must not count, nor what is read ahead and left by a seek: the iterator alone does the counting.
      limit: -1,
      snapshot: backendSnapshotOf(options.snapshot, backend)
    } as object) as StoredEntries
    const { reverse } = options
    this.#source = overlaid
      ? new MergedEntries(stored, new Overlay(frozen, namesOf(options), reverse), reverse)
      : stored
    this.#options = options
    this.#left = options.limit === -1 ? Infinity : options.limit
    this.#unsealer = unsealer
    this.#filterKeys = filterKeys
    // Else what is read ahead may be older than what the caller has written meanwhile.
    this.#readsAhead = backend.supports.implicitSnapshots
  }

  /** What was fetched already comes as it is, without a promise. */
  next(): Promise<Entry | undefined> | Entry | undefined {
    return this.#taken() ?? (this.#soughtOutside ? undefined : this.#fetchedNext())
  }

  /** The next of what was fetched that is to be seen. */
  #taken(): Promise<Entry> | Entry | undefined {
    while (this.#at < this.#fetched.length) {
      const opened = this.#open(this.#fetched[this.#at++]!)
      if (opened === undefined) continue
      this.#left--
      const { key, value } = opened
      return value instanceof Promise ? value.then(restored => [key, restored]) : [key, value]
    }
    return undefined
  }

  /** In a loop: what has expired may be any number of entries, and one promise for each would be kept until the last. */
  async #fetchedNext(): Promise<Entry | undefined> {
    for (;;) {
      this.#keep(await this.#source.nextv(Math.max(1, Math.min(this.#ahead, this.#left)), {}))
      if (this.#fetched.length === 0) return undefined
      if (this.#readsAhead) this.#ahead = readAhead(this.#fetched, this.#ahead)
      const entry = this.#taken()
      if (entry !== undefined) return entry
    }
  }

  async nextv(size: number, options: object): Promise<Entry[]> {
    for (;;) {
      if (this.#soughtOutside) return []
      const stored = this.#at < this.#fetched.length ? this.#fetched.slice(this.#at) : await this.#fetch(size, options)
      if (stored.length === 0) return []
      this.#keep(NONE)
      const entries = await this.#openChunk(stored, size)
      this.#left -= entries.length
      if (entries.length > 0) return entries
    }
  }

  seek(target: Buffer, options: object): void {
    this.#keep(NONE)
    this.#ahead = 1
    // classic-level 3.0.0 aborts the process when an empty database is sought outside the range.
    this.#soughtOutside = isOutside(target, this.#options)
    if (this.#soughtOutside) return
    this.#source.seek(target, { ...options, ...AS_BYTES })
  }

  async close(): Promise<void> {
    this.#keep(NONE)
    return this.#source.close()
  }

  #keep(fetched: readonly StoredEntry[]): void {
    this.#fetched = fetched
    this.#at = 0
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
    this.#keep(stored.slice(at))
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
    this.#keep(stored.slice(entries.length > 0 ? failure.at : failure.at + 1))
    if (entries.length === 0) throw failure.error
    return entries
  }

  /** undefined for an entry that is not to be seen. */
  #open(entry: StoredEntry) {
    const key = entry[0]
    try {
      const opened = this.#openedEntry(entry)
      if (key === undefined || !(opened?.value instanceof Promise)) return opened
      const named = (error: unknown) => Promise.reject(ofKey(asBuffer(key), error))
      return { ...opened, value: opened.value.catch(named) }
    } catch (error) {
      throw key === undefined ? error : ofKey(asBuffer(key), error)
    }
  }

  #openedEntry([storedKey, storedValue]: StoredEntry) {
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

const NONE: readonly StoredEntry[] = Object.freeze([])

/** How many entries to fetch next, after `fetched`, at least one, of which so many were asked for. */
function readAhead(fetched: readonly StoredEntry[], asked: number): number {
  let bytes = 0
  for (const [key, value] of fetched) bytes += (key?.length ?? 0) + (value?.length ?? 0)
  const fit = Math.floor((READ_AHEAD_BYTES * fetched.length) / Math.max(1, bytes))
  return Math.max(1, Math.min(asked * READ_AHEAD_GROWTH, MAX_READ_AHEAD, fit))
}

function namesOf({ gt, gte, lt, lte }: KeyRange): NameRange {
  return { gt: gt && keyName(gt), gte: gte && keyName(gte), lt: lt && keyName(lt), lte: lte && keyName(lte) }
}

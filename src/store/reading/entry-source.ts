import { isUint8Array } from 'node:util/types'
import { isPromise } from '../../is-promise.js'
import { keyName } from '../../memtable/key-name.js'
import type { NameRange } from '../../memtable/name-range.js'
import { Overlay } from '../../memtable/overlay.js'
import type { Frozen } from '../../memtable/tables.js'
import type { AnyLevel } from '../backend/any-level.js'
import { asBuffer, AS_BYTES } from '../backend/as-bytes.js'
import { isOutside, type KeyRange, type KeySelection, withOwnBounds } from '../backend/key-range.js'
import { isReserved, mayHoldReserved, RESERVED_START, upToReserved } from '../backend/reserved-keys.js'
import type { TableValue } from '../table-value.js'
import { errorOfKey } from './error-of-key.js'
import { MergedEntries, type UnopenedEntries, type UnopenedEntry } from './merged-entries.js'
import { backendSnapshotOf } from './snapshot.js'
import type { Unsealer } from './unsealer.js'

/** A call of nextv() returns no more entries once their values have this many bytes, decompressed. */
const MAX_CHUNK_BYTES = 16 * 1024 * 1024
/**
 * The most entries that one call of nextv() returns. classic-level 3.0.0 allocates memory for as many as it is asked for, and ends the process if
 * there is too little; tables do not limit the bytes of a call.
 */
const MAX_CHUNK_ENTRIES = 64 * 1024
/**
 * How many stored bytes next() fetches ahead, estimated by the sizes of the entries it has seen: each fetch is a trip to another thread.
 * classic-level fetches 16 KiB by default.
 */
const READ_AHEAD_BYTES = 64 * 1024
/** The most entries that next() fetches ahead: they may be larger than those it has seen, and only LevelDB minds their bytes itself. */
const MAX_READ_AHEAD = 1000
/**
 * Many callers want one entry only, so the first is fetched alone. Then each fetch has up to this many times as many as the one before. With a
 * limit, the first fetch has as many already: the caller has said what it wants.
 */
const READ_AHEAD_GROWTH = 16

/** As abstract-level hands them to `_iterator`: bounds encoded, `keys` and `values` set. */
export interface EncodedIteratorOptions extends KeySelection {
  readonly keys: boolean
  readonly values: boolean
  readonly signal?: AbortSignal
}

export type Entry = [key: Buffer | undefined, value: Buffer | undefined]

/** An entry as the caller gets it, except that its value may still be a promise. */
interface VisibleEntry {
  readonly key: Buffer | undefined
  readonly value: Buffer | undefined | Promise<Buffer>
  /** Length of the restored value; 0 if only keys are wanted. */
  readonly bytes: number
}

/** What is read: the backend, and the tables whose entries hide those of the backend. */
export interface ReadView {
  readonly backend: AnyLevel
  readonly frozen: readonly Frozen<TableValue>[]
  /** Whether some entries may have expired, so that values have to be looked at even if only keys are wanted. */
  readonly ttlUsed: boolean
  /** Whether no key of backend or tables comes after the reserved ones. */
  readonly reservedAreLast: boolean
}

/** What the iterators hand out: entries of backend and tables, opened, without reserved keys and without what has expired. */
export class EntrySource {
  readonly #source: UnopenedEntries
  readonly #unsealer: Unsealer
  readonly #options: EncodedIteratorOptions
  /** Whether the source may give reserved keys. */
  readonly #filterKeys: boolean
  readonly #readsAhead: boolean
  /** Entries that were fetched. Those before `#at` have been handed out. */
  #fetched: readonly UnopenedEntry[] = NONE
  #at = 0
  /** How many entries next() fetches. */
  #fetchSize = 1
  /** How many entries the caller may still take. */
  #left: number
  /** Whether the source ends before the reserved keys. */
  readonly #endsAtReserved: boolean
  /** Whether the last seek went to a key outside the range: then there is nothing to read until the next seek. */
  #soughtOutside = false
  /** An error of the source that came after entries, which were returned first: the next call throws it. */
  #failure: { readonly error: unknown } | undefined

  constructor(view: ReadView, encoded: EncodedIteratorOptions, unsealer: Unsealer) {
    const { backend, frozen, ttlUsed, reservedAreLast } = view
    const options = withOwnBounds(encoded)
    const overlaid = frozen.length > 0
    // If the backend's iterator does not show one moment, it may come to values with a time to live that are written later.
    const expiring = ttlUsed || !backend.supports.implicitSnapshots
    const range = reservedAreLast ? upToReserved(options) : options
    this.#endsAtReserved = range !== options
    const filterKeys = !this.#endsAtReserved && mayHoldReserved(options)
    const stored = backend.iterator<Buffer, Uint8Array>({
      highWaterMarkBytes: READ_AHEAD_BYTES,
      ...range,
      ...AS_BYTES,
      keys: options.keys || filterKeys || overlaid,
      values: options.values || expiring,
      // The limit is counted here instead: entries that are filtered out, or read ahead and dropped by a seek, must not count.
      limit: -1,
      snapshot: backendSnapshotOf(options.snapshot, backend)
    } as object) as UnopenedEntries
    const { reverse } = options
    this.#source = overlaid
      ? new MergedEntries(stored, new Overlay(frozen, namesOf(options), reverse), reverse)
      : stored
    this.#options = options
    this.#left = options.limit === -1 ? Infinity : options.limit
    this.#unsealer = unsealer
    this.#filterKeys = filterKeys
    // If the backend's iterator does not show one moment, an entry that was read ahead could be older than what the caller has written since.
    this.#readsAhead = backend.supports.implicitSnapshots
    if (this.#readsAhead && options.limit !== -1) this.#fetchSize = READ_AHEAD_GROWTH
  }

  /** An entry that was fetched already is returned without a promise, unless its value is restored off the main thread. */
  next(): Promise<Entry | undefined> | Entry | undefined {
    return this.#nextFetched() ?? (this.#soughtOutside ? undefined : this.#fetchNext())
  }

  /** The next visible entry of those fetched. */
  #nextFetched(): Promise<Entry> | Entry | undefined {
    while (this.#at < this.#fetched.length) {
      const opened = this.#openNamingKey(this.#fetched[this.#at++]!)
      if (opened === undefined) continue
      this.#left--
      const { key, value } = opened
      return isPromise(value) ? value.then(restored => [key, restored]) : [key, value]
    }
    return undefined
  }

  /** A loop, not recursion: any number of entries may have expired, and recursion would keep a promise for each until the last. */
  async #fetchNext(): Promise<Entry | undefined> {
    let most = this.#left
    for (;;) {
      this.#replaceFetched(await this.#fetch(Math.max(1, Math.min(this.#fetchSize, most)), {}))
      if (this.#fetched.length === 0) return undefined
      if (this.#readsAhead) this.#fetchSize = readAhead(this.#fetched, this.#fetchSize)
      const entry = this.#nextFetched()
      if (entry !== undefined) return entry
      most = Infinity // Where none of them is visible, many more may not be: one by one, each would be a trip to another thread.
    }
  }

  async nextv(asked: number, options: object): Promise<Entry[]> {
    const size = Math.min(asked, MAX_CHUNK_ENTRIES)
    let most = size
    for (;;) {
      if (this.#soughtOutside) return []
      const stored = this.#at < this.#fetched.length ? this.#fetched.slice(this.#at) : await this.#fetch(most, options)
      if (stored.length === 0) return []
      this.#replaceFetched(NONE)
      const entries = await this.#openChunk(stored, size)
      this.#left -= entries.length
      if (entries.length > 0) return entries
      if (this.#readsAhead) most = Math.max(size, MAX_READ_AHEAD)
    }
  }

  seek(target: Buffer, options: object): void {
    this.#replaceFetched(NONE)
    this.#failure = undefined
    this.#fetchSize = 1
    // classic-level 3.0.0 aborts the process when an empty database is sought outside the range.
    this.#soughtOutside = isOutside(target, this.#options)
    if (this.#soughtOutside) return
    const isBeyond = this.#endsAtReserved && Buffer.compare(target, RESERVED_START) > 0
    this.#source.seek(isBeyond ? RESERVED_START : target, { ...options, ...AS_BYTES })
  }

  async close(): Promise<void> {
    this.#replaceFetched(NONE)
    return this.#source.close()
  }

  #replaceFetched(fetched: readonly UnopenedEntry[]): void {
    this.#fetched = fetched
    this.#at = 0
  }

  /** Up to `size` entries, reserved ones left out; fewer only if the source gave fewer, or failed. */
  async #fetch(size: number, options: object): Promise<readonly UnopenedEntry[]> {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure.error
    if (!this.#filterKeys) return this.#source.nextv(size, options)
    const visible: UnopenedEntry[] = []
    for (;;) {
      let fetched: readonly UnopenedEntry[]
      try {
        fetched = await this.#source.nextv(size - visible.length, options)
      } catch (error) {
        if (visible.length === 0) throw error
        this.#failure = { error } // Thrown by the next call: the entries that came before the error must not be lost.
        return visible
      }
      const before = visible.length
      for (const entry of fetched) if (!isReserved(entry[0]!)) visible.push(entry)
      if (visible.length - before === fetched.length) return visible
    }
  }

  /**
   * Opens fetched entries, as many as a chunk may hold, and keeps the others for later. The chunk ends before an entry that cannot be read. The
   * next call, which begins with that entry, throws; a caller who then goes on misses no other entry.
   */
  async #openChunk(stored: readonly UnopenedEntry[], size: number): Promise<Entry[]> {
    const entries: Entry[] = []
    /** Values restored off the main thread, and where their entries stand in `stored`. */
    const pending: { at: number; entry: Entry; value: Promise<Buffer> }[] = []
    let failure: { at: number; error: unknown } | undefined
    let at = 0
    for (let bytes = 0; at < stored.length && entries.length < size && bytes < MAX_CHUNK_BYTES; at++) {
      try {
        const opened = this.#openNamingKey(stored[at]!)
        if (opened === undefined) continue
        bytes += opened.bytes
        const { key, value } = opened
        const entry: Entry = [key, isPromise(value) ? undefined : value]
        if (isPromise(value)) pending.push({ at, entry, value })
        entries.push(entry)
      } catch (error) {
        failure = { at, error }
        break
      }
    }
    this.#replaceFetched(stored.slice(at))
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
    this.#replaceFetched(stored.slice(entries.length > 0 ? failure.at : failure.at + 1))
    if (entries.length === 0) throw failure.error
    return entries
  }

  /** @returns undefined for an entry that no reader sees. Errors, thrown or of the value's promise, have the key in their text */
  #openNamingKey(entry: UnopenedEntry): VisibleEntry | undefined {
    const key = entry[0]
    try {
      const opened = this.#openEntry(entry)
      if (key === undefined || !isPromise(opened?.value)) return opened
      const named = (error: unknown) => Promise.reject(errorOfKey(asBuffer(key), error))
      return { ...opened, value: opened.value.catch(named) }
    } catch (error) {
      throw key === undefined ? error : errorOfKey(asBuffer(key), error)
    }
  }

  #openEntry([storedKey, storedValue]: UnopenedEntry): VisibleEntry | undefined {
    const key = storedKey === undefined ? undefined : asBuffer(storedKey)
    const isStored = storedValue === undefined || isUint8Array(storedValue)
    if (!this.#options.values) {
      if (storedValue !== undefined && !this.#unsealer.isVisible(storedValue)) return undefined
      // The key of a table's entry was made for this caller: only the backend's own has to be copied.
      const own = this.#options.keys ? (isStored ? this.#unsealer.ownKey(key!) : key) : undefined
      return { key: own, value: undefined, bytes: 0 }
    }
    if (!isStored) {
      const value = this.#unsealer.tableValue(storedValue)
      return value && { key: this.#options.keys ? key : undefined, value, bytes: storedValue.rawLength }
    }
    const opened = this.#unsealer.openLive(storedValue!)
    if (opened === undefined) return undefined
    return {
      key: this.#options.keys ? this.#unsealer.ownKey(key!) : undefined,
      value: this.#unsealer.value(opened),
      bytes: opened.rawLength
    }
  }
}

const NONE: readonly UnopenedEntry[] = Object.freeze([])

/**
 * How many entries to fetch next.
 *
 * @param fetched what came last, at least one entry
 * @param asked how many were asked for
 */
function readAhead(fetched: readonly UnopenedEntry[], asked: number): number {
  let bytes = 0
  for (const [key, value] of fetched) bytes += (key?.length ?? 0) + (value?.length ?? 0)
  const fit = Math.floor((READ_AHEAD_BYTES * fetched.length) / Math.max(1, bytes))
  return Math.max(1, Math.min(asked * READ_AHEAD_GROWTH, MAX_READ_AHEAD, fit))
}

function namesOf({ gt, gte, lt, lte }: KeyRange): NameRange {
  return { gt: gt && keyName(gt), gte: gte && keyName(gte), lt: lt && keyName(lt), lte: lte && keyName(lte) }
}

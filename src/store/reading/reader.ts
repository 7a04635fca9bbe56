import type { AbstractSnapshot, Transcoder } from 'abstract-level'
import type { Opened } from '../../envelope/open.js'
import { decodeFailed, notSupported } from '../../errors.js'
import { isPromise } from '../../is-promise.js'
import { keyName, keyOfName } from '../../memtable/key-name.js'
import { type Kept, TOMBSTONE } from '../../memtable/memtable.js'
import { findIn, type Tables } from '../../memtable/tables.js'
import { TurnQueue } from '../../turn.js'
import type { AnyLevel } from '../backend/any-level.js'
import { AS_BYTES } from '../backend/as-bytes.js'
import { supportsGetSync } from '../backend/backend.js'
import { isReserved } from '../backend/reserved-keys.js'
import type { MarkerState } from '../marker-state.js'
import type { TableValue } from '../table-value.js'
import { errorOfKey } from './error-of-key.js'
import type { GetQueue, OpenStored } from './get-queue.js'
import { backendSnapshotOf, ownSnapshot, tablesOf } from './snapshot.js'
import type { Unsealer } from './unsealer.js'
import type { ValueCache } from './value-cache.js'

/** Options as abstract-level hands them to `_get` and the like. Encodings are given by their formats: in this store that is always 'buffer'. */
export interface EncodedReadOptions {
  readonly keyEncoding?: string
  readonly valueEncoding?: string
  readonly snapshot?: AbstractSnapshot
}

const NO_OPTIONS: EncodedReadOptions = Object.freeze({})

/** How long answers that need no backend may take in one turn of the event loop, in ms. */
const MAX_TURN_MS = 2
/** How many keys are looked up before the clock is read: that takes some 50 µs. */
const KEYS_BETWEEN_CHECKS = 64

/** The read path: tables, cache, backend, envelope. */
export class Reader {
  readonly #backend: AnyLevel
  readonly #marker: MarkerState
  readonly #unsealer: Unsealer
  readonly #cache: ValueCache | undefined
  readonly #tables: Tables<TableValue> | undefined
  readonly #gets: GetQueue
  /**
   * Turns for answers from tables or the cache. Otherwise callers that await each answer before they ask again would keep the event loop from
   * running, and with it the write that they may be waiting for.
   */
  readonly #turns = new TurnQueue(MAX_TURN_MS, KEYS_BETWEEN_CHECKS)

  constructor(
    backend: AnyLevel,
    marker: MarkerState,
    unsealer: Unsealer,
    cache: ValueCache | undefined,
    tables: Tables<TableValue> | undefined,
    gets: GetQueue
  ) {
    this.#backend = backend
    this.#marker = marker
    this.#unsealer = unsealer
    this.#cache = cache
    this.#tables = tables
    this.#gets = gets
  }

  /**
   * A value in a table or the cache is returned without a promise, unless it is restored off the main thread, or this turn of the event loop has no
   * time left for it.
   */
  get(key: Buffer, options: EncodedReadOptions): Promise<Buffer | undefined> | Buffer | undefined {
    const value = this.#get(key, options)
    return isPromise(value) || this.#turns.hasRoom(1) ? value : this.#turns.later(() => value)
  }

  #get(key: Buffer, options: EncodedReadOptions): Promise<Buffer | undefined> | Buffer | undefined {
    if (isReserved(key)) return undefined
    const found = this.#inTables(key, options)
    if (found !== undefined) return found === TOMBSTONE ? undefined : this.#tableValue(found, key)
    const cache = options.snapshot ? undefined : this.#cache
    if (cache === undefined) return this.#stored(key, options, this.#valueOf)
    const name = keyName(key)
    return cache.get(name) ?? this.#fill(cache, name, key, options)
  }

  /**
   * Makes a function for gets without options. It decodes a value right after opening it, which saves a promise for each get.
   *
   * @returns the function. If it throws, the backend was not asked
   */
  decoding<V>(encoding: Transcoder.Encoding<V, Buffer, V>): (key: Buffer) => Promise<V | undefined> {
    const decode = (value: Buffer): V => {
      try {
        return encoding.decode(value)
      } catch (error) {
        throw decodeFailed(error)
      }
    }
    const decoded = (value: Buffer | undefined) => (value === undefined ? undefined : decode(value))
    const open: OpenStored<V | undefined> = (stored, key) => {
      const value = this.#valueOf(stored, key)
      return isPromise(value) ? value.then(decoded) : decoded(value)
    }
    return key => {
      const mayBeAsked = this.#cache === undefined && !isReserved(key)
      if (mayBeAsked && this.#inTables(key, NO_OPTIONS) === undefined) return this.#gets.get(key, open)
      const value = this.get(key, NO_OPTIONS)
      return isPromise(value) ? value.then(decoded) : Promise.resolve(decoded(value))
    }
  }

  async #fill(cache: ValueCache, name: string, key: Buffer, options: EncodedReadOptions): Promise<Buffer | undefined> {
    const fill = cache.beginFill(name)
    let value: Buffer | undefined
    let opened: Opened | undefined
    try {
      opened = await this.#stored(key, options, stored => this.#open(stored))
      value = opened && (await this.#unsealer.value(opened))
    } catch (error) {
      throw errorOfKey(keyOfName(name), error)
    } finally {
      cache.endFill(name, fill, value, opened?.expiresAt)
    }
    return value
  }

  /** Resolves when the backend has answered the gets that are under way. */
  drain(): Promise<void> {
    return this.#gets.drain()
  }

  getSync(key: Buffer, options: EncodedReadOptions): Buffer | undefined {
    if (isReserved(key)) return undefined
    if (!supportsGetSync(this.#backend)) throw notSupported('The backend has no getSync(): use get()')
    const found = this.#inTables(key, options)
    if (found === TOMBSTONE) return undefined
    if (found !== undefined) return throwingWithKey(key, () => this.#unsealer.tableValueSync(found))
    const cached = options.snapshot ? undefined : this.#cache?.get(keyName(key))
    if (cached !== undefined) return cached
    const stored = this.#backend.getSync<Buffer, Uint8Array>(key, forBackend(options, this.#backend))
    return throwingWithKey(key, () => {
      const opened = this.#open(stored)
      return opened && this.#unsealer.valueSync(opened)
    })
  }

  async getMany(keys: readonly Buffer[], options: EncodedReadOptions): Promise<(Buffer | undefined)[]> {
    const { known, asked } = this.#split(keys, options)
    const read = forBackend(options, this.#backend)
    if (asked.length === 0) await this.#turnFor(keys)
    const stored = asked.length === 0 ? [] : await this.#backend.getMany<Buffer, Uint8Array>(asked as Buffer[], read)
    let next = 0
    const values = keys.map((key, i) => {
      const found = known?.[i]
      if (found === TOMBSTONE) return undefined
      return found === undefined ? this.#valueOf(stored[next++], key) : this.#tableValue(found, key)
    })
    return values.some(value => isPromise(value)) ? Promise.all(values) : (values as (Buffer | undefined)[])
  }

  async has(key: Buffer, options: EncodedReadOptions): Promise<boolean> {
    if (isPlain(options) && !isReserved(key) && this.#inTables(key, NO_OPTIONS) === undefined) {
      return this.#hasKeys ? this.#gets.has(key, this.#isThere) : this.#gets.get(key, this.#isThere)
    }
    return (await this.hasMany([key], options))[0]!
  }

  /** The snapshot is held here, since abstract-level releases it before this has settled. */
  async hasMany(keys: readonly Buffer[], options: EncodedReadOptions): Promise<boolean[]> {
    options.snapshot?.ref()
    try {
      const { known, asked } = this.#split(keys, options)
      if (asked.length === 0) await this.#turnFor(keys)
      const inBackend = asked.length === 0 ? [] : await this.#backendHas(asked, options)
      let next = 0
      return keys.map((_, i) => {
        const found = known?.[i]
        if (found === undefined) return inBackend[next++]!
        return found !== TOMBSTONE && this.#unsealer.isVisible(found)
      })
    } finally {
      options.snapshot?.unref()
    }
  }

  /** Resolves when there is time to answer for these keys without asking the backend. */
  #turnFor({ length }: readonly Buffer[]): Promise<void> | undefined {
    return this.#turns.hasRoom(length) ? undefined : this.#turns.later(() => {})
  }

  async #backendHas(keys: readonly Buffer[], options: EncodedReadOptions): Promise<boolean[]> {
    const backend = this.#backend
    const read = forBackend(options, backend)
    if (this.#hasKeys) return backend.hasMany(keys as Buffer[], read)
    const stored = await backend.getMany<Buffer, Uint8Array>(keys as Buffer[], { ...read, ...AS_BYTES })
    return stored.map(this.#isThere)
  }

  /** Whether a key that the backend has is there for a reader: otherwise its value says whether it has expired. */
  get #hasKeys(): boolean {
    return !this.#marker.ttlUsed && this.#backend.supports.has
  }

  readonly #isThere = (stored: Uint8Array | undefined): boolean =>
    stored !== undefined && this.#unsealer.isVisible(stored)

  #inTables(key: Buffer, { snapshot }: EncodedReadOptions): Kept<TableValue> | undefined {
    const tables = this.#tables
    if (tables === undefined) return undefined
    if (snapshot) return findIn(tablesOf(snapshot, this.#backend), keyName(key))
    return tables.isEmpty ? undefined : tables.find(keyName(key))
  }

  /** What tables know of each key, reserved keys counting as deleted, and the keys that the backend has to be asked for. */
  #split(
    keys: readonly Buffer[],
    options: EncodedReadOptions
  ): { known: (Kept<TableValue> | undefined)[] | undefined; asked: readonly Buffer[] } {
    if (this.#tables === undefined && !keys.some(isReserved)) return { known: undefined, asked: keys }
    const known = keys.map(key => (isReserved(key) ? TOMBSTONE : this.#inTables(key, options)))
    return { known, asked: keys.filter((_, i) => known[i] === undefined) }
  }

  /** What the backend has, opened by `open`. */
  #stored<T>(key: Buffer, options: EncodedReadOptions, open: OpenStored<T>): Promise<T> {
    if (isPlain(options)) return this.#gets.get(key, open)
    const own = Buffer.from(key) // classic-level reads it on another thread, while the caller may use its buffer again.
    const { snapshot, ...others } = options
    if (snapshot && isPlain(others)) return ownSnapshot(snapshot, this.#backend).gets.ask(own, open)
    return this.#backend
      .get<Buffer, Uint8Array>(own, forBackend(options, this.#backend))
      .then(stored => open(stored, own))
  }

  readonly #valueOf: OpenStored<Buffer | undefined> = (stored, key) =>
    rejectingWithKey(key, () => {
      const opened = this.#open(stored)
      return opened && this.#unsealer.value(opened)
    })

  #tableValue(found: TableValue, key: Buffer): Promise<Buffer | undefined> | Buffer | undefined {
    return rejectingWithKey(key, () => this.#unsealer.tableValue(found))
  }

  #open(stored: Uint8Array | undefined): Opened | undefined {
    return stored === undefined ? undefined : this.#unsealer.openLive(stored)
  }
}

/** Whether there is no option that the backend might have a use for. */
function isPlain(options: EncodedReadOptions): boolean {
  for (const name in options) if (name !== 'keyEncoding' && name !== 'valueEncoding') return false
  return true
}

/**
 * What `value` returns. An error becomes a rejection that names the key: if it were thrown while many values are read, promises of others would be
 * left, and might reject unhandled.
 */
function rejectingWithKey<T>(key: Buffer, value: () => T | Promise<T>): T | Promise<T> {
  try {
    const found = value()
    if (!isPromise(found)) return found
    const own = Buffer.from(key) // The caller may use its buffer again.
    return found.catch((error: unknown) => Promise.reject(errorOfKey(own, error)))
  } catch (error) {
    return Promise.reject(errorOfKey(key, error))
  }
}

/** What `value` returns. An error that it throws names the key. */
function throwingWithKey<T>(key: Buffer, value: () => T): T {
  try {
    return value()
  } catch (error) {
    throw errorOfKey(key, error)
  }
}

/** Read options with the backend's own snapshot in place of the store's. */
function forBackend(options: EncodedReadOptions, backend: AnyLevel): EncodedReadOptions {
  if (!options.snapshot) return options
  return { ...options, snapshot: backendSnapshotOf(options.snapshot, backend)! }
}

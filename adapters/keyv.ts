import type { WriteOptions } from 'compressed-kv'
import { storeOf } from './given-store.js'

interface Encodings {
  keyEncoding: 'utf8'
  valueEncoding?: 'utf8'
}

type Operation = { type: 'put'; key: string; value: string; ttl: number | undefined } | { type: 'del'; key: string }

/** The methods of a store that the adapter uses. A `CompressedKvStore` of any key and value type has them, and so does a sublevel of one. */
export interface KeyvBackingStore {
  get(key: string, options: Encodings): Promise<unknown>
  getMany(keys: string[], options: Encodings): Promise<unknown[]>
  has(key: string, options: Encodings): Promise<boolean>
  hasMany(keys: string[], options: Encodings): Promise<boolean[]>
  put(key: string, value: string, options: Encodings & Pick<WriteOptions, 'ttl'>): Promise<void>
  del(key: string, options: Encodings): Promise<void>
  batch(operations: Operation[], options: Encodings): Promise<void>
  clear(options: Encodings & { gte?: string; lt?: string }): Promise<void>
  iterator(options: Encodings & { gte?: string; lt?: string }): AsyncIterable<[string, string]>
  close(): Promise<void>
  /** Of a sublevel: the store that it belongs to. */
  readonly db?: object
}

type Entries = { key: string; value: unknown; expires?: number }[]

/** As Keyv 6 declares it, and as Keyv 5 does. */
type SetMany = ((entries: Entries) => Promise<boolean[]>) & ((entries: Entries) => Promise<void>)

/** Keyv's keys and serialised values are text, whatever the store's own encodings are. */
const KEYS_AS_TEXT = { keyEncoding: 'utf8' } as const
const AS_TEXT = { keyEncoding: 'utf8', valueEncoding: 'utf8' } as const

/**
 * Keeps a Keyv, of version 5 or 6, in a `CompressedKvStore`, open or opening:
 *
 * ```ts
 * const cache = new Keyv({ store: new KeyvCompressedStore(db), namespace: 'pages', ttl: 60_000 })
 * ```
 *
 * Keyv gives its namespace to the adapter, so each Keyv needs an adapter of its own; many adapters may share a store, also with
 * other data. A key `k` of namespace `n` is the store's key `n:k`. Entries expire in the store when they do for Keyv.
 *
 * Keyv 5 passes keys with the namespace before them, and how long an entry lasts; Keyv 6 keys without it, and when an entry ends.
 * The class names no type of Keyv, since those of the two versions exclude each other.
 */
export class KeyvCompressedStore {
  /** Set by Keyv. Without one, `clear()` and `iterator()` mean the whole store. */
  namespace: string | undefined
  /** Keyv 5 offers `iterator()` only for adapters with certain dialects. This has been one of them since 5.0; nothing else depends on it. */
  readonly opts = { dialect: 'redis' }
  readonly #store: KeyvBackingStore
  #isForKeyv6 = false

  /** @throws LEVEL_NOT_SUPPORTED if `store` is neither a `CompressedKvStore` nor a sublevel of one */
  constructor(store: KeyvBackingStore) {
    storeOf(store, 'KeyvCompressedStore')
    this.#store = store
  }

  /** Keyv 6 asks for this before anything else, Keyv 5 never does: by this the adapter knows whose it is. */
  get capabilities(): { readonly expires: true } {
    this.#isForKeyv6 = true
    return { expires: true }
  }

  async get<Value>(key: string): Promise<(Value & string) | undefined> {
    return (await this.#store.get(this.#storeKey(key), AS_TEXT)) as Value & string
  }

  async getMany<Value>(keys: string[]): Promise<((Value & string) | undefined)[]> {
    return (await this.#store.getMany(keys.map(this.#storeKey), AS_TEXT)) as (Value & string)[]
  }

  /**
   * @param value as Keyv serialised it
   * @param end for Keyv 5, in how many ms the entry ends; for Keyv 6, when, in ms since 1970; Infinity is never, as in Keyv
   * @throws TypeError for anything but text: a Keyv that does not serialise passes objects; CKV_INVALID_OPTION for a ttl that is
   *   not above 0
   */
  async set(key: string, value: unknown, end?: number): Promise<boolean> {
    const put = this.#put(key, value, end)
    await this.#store.put(put.key, put.value, { ...AS_TEXT, ttl: put.ttl })
    return true
  }

  /**
   * Stores all of the entries or, if it fails, none. Only Keyv 6 finds it: Keyv 5 calls `set` for each entry instead, since 5.3 would
   * pass keys without the namespace, and values that are not serialised.
   */
  get setMany(): SetMany {
    const setMany = async (entries: Entries) => {
      const operations = entries.map(({ key, value, expires }) => this.#put(key, value, expires))
      await this.#store.batch(operations, AS_TEXT)
      return entries.map(() => true)
    }
    return (this.#isForKeyv6 ? setMany : undefined) as SetMany
  }

  /** @returns whether there was such an entry */
  async delete(key: string): Promise<boolean> {
    // Both are called now, in this order: calls of the adapter take effect in their order, even if nobody awaits them.
    const [found] = await Promise.all([this.has(key), this.#store.del(this.#storeKey(key), KEYS_AS_TEXT)])
    return found
  }

  /**
   * Deletes all of the entries or, if it fails, none.
   *
   * @returns for Keyv 5, whether at least one was there; for Keyv 6, of each whether it was
   */
  deleteMany(keys: string[]): Promise<boolean>
  deleteMany(keys: string[]): Promise<boolean[]>
  async deleteMany(keys: string[]): Promise<boolean | boolean[]> {
    const operations = keys.map(this.#storeKey).map(key => ({ type: 'del', key }) as const)
    const [found] = await Promise.all([this.hasMany(keys), this.#store.batch(operations, KEYS_AS_TEXT)])
    return this.#isForKeyv6 ? found : found.includes(true)
  }

  async has(key: string): Promise<boolean> {
    return this.#store.has(this.#storeKey(key), KEYS_AS_TEXT)
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return this.#store.hasMany(keys.map(this.#storeKey), KEYS_AS_TEXT)
  }

  /** Deletes the namespace's entries; without a namespace, everything in the store. */
  async clear(): Promise<void> {
    await this.#store.clear({ ...rangeOf(this.namespace), ...KEYS_AS_TEXT })
  }

  /**
   * The namespace's entries as they are at one moment, in the order of their keys, which for Keyv 5 include the namespace. The values
   * are serialised.
   */
  async *iterator(): AsyncGenerator<[key: string, value: string], void> {
    const start = this.#storeKey('').length
    const entries = this.#store.iterator({ ...rangeOf(this.namespace), ...AS_TEXT })
    for await (const [key, value] of entries) yield [key.slice(start), value]
  }

  /** Closes the store, for other adapters over it as well. */
  async disconnect(): Promise<void> {
    await this.#store.close()
  }

  /** Keyv listens for errors that no call reports. There are none: every failure rejects a call. */
  on(): this {
    return this
  }

  #storeKey = (key: string): string => (this.#isForKeyv6 ? (rangeOf(this.namespace).gte ?? '') + key : key)

  #put(key: string, value: unknown, end: number | undefined): Operation & { type: 'put' } {
    if (typeof value !== 'string')
      throw new TypeError('This adapter stores text: do not turn off the serialization of Keyv')
    // What should have ended by now ends at once: it replaces the entry before it, and nobody sees it.
    const ttl = this.#isForKeyv6 && end !== undefined ? Math.max(end - Date.now(), Number.MIN_VALUE) : end
    return { type: 'put', key: this.#storeKey(key), value, ttl: ttl === Infinity ? undefined : ttl }
  }
}

/** All keys `namespace:…`, up to the first with the character after the colon. */
function rangeOf(namespace: string | undefined): { gte?: string; lt?: string } {
  return namespace === undefined || namespace === '' ? {} : { gte: `${namespace}:`, lt: `${namespace};` }
}

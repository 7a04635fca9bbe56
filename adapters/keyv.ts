import { CompressedKvError, CompressedKvStore, type WriteOptions } from 'compressed-kv'
import type { KeyvStoreAdapter, StoredData } from 'keyv'

interface Encodings {
  keyEncoding: 'utf8'
  valueEncoding?: 'utf8'
}

/** The methods of a store that the adapter uses. A `CompressedKvStore` of any key and value type has them, and so does a sublevel of one. */
export interface KeyvBackingStore {
  get(key: string, options: Encodings): Promise<unknown>
  getMany(keys: string[], options: Encodings): Promise<unknown[]>
  has(key: string, options: Encodings): Promise<boolean>
  hasMany(keys: string[], options: Encodings): Promise<boolean[]>
  put(key: string, value: string, options: Encodings & Pick<WriteOptions, 'ttl'>): Promise<void>
  del(key: string, options: Encodings): Promise<void>
  batch(operations: { type: 'del'; key: string }[], options: Encodings): Promise<void>
  clear(options: Encodings & { gte?: string; lt?: string }): Promise<void>
  iterator(options: Encodings & { gte?: string; lt?: string }): AsyncIterable<[string, string]>
  close(): Promise<void>
  /** Of a sublevel: the store that it belongs to. */
  readonly db?: object
}

/** Keyv's keys and serialised values are text, whatever the store's own encodings are. */
const KEYS_AS_TEXT = { keyEncoding: 'utf8' } as const
const AS_TEXT = { keyEncoding: 'utf8', valueEncoding: 'utf8' } as const

/**
 * Keeps a Keyv in a `CompressedKvStore`, open or opening:
 *
 * ```ts
 * const cache = new Keyv({ store: new KeyvCompressedStore(db), namespace: 'pages', ttl: 60_000 })
 * ```
 *
 * Keyv gives its namespace to the adapter, so each Keyv needs an adapter of its own; many adapters may share a store, also with
 * other data. A key `k` of namespace `n` is the store's key `n:k`. Entries expire in the store when they do for Keyv.
 */
export class KeyvCompressedStore implements KeyvStoreAdapter {
  /** Set by Keyv. Without one, `clear()` and `iterator()` mean the whole store. */
  namespace: string | undefined
  /** Keyv offers `iterator()` only for adapters with certain dialects. This is one of them; nothing else depends on it. */
  readonly opts = { dialect: 'etcd' }
  readonly #store: KeyvBackingStore

  /** @throws LEVEL_NOT_SUPPORTED if `store` is neither a `CompressedKvStore` nor a sublevel of one */
  constructor(store: KeyvBackingStore) {
    if (!((store?.db ?? store) instanceof CompressedKvStore)) {
      throw new CompressedKvError(
        'LEVEL_NOT_SUPPORTED',
        'KeyvCompressedStore takes a CompressedKvStore, or a sublevel of one'
      )
    }
    this.#store = store
  }

  async get<Value>(key: string): Promise<StoredData<Value> | undefined> {
    return (await this.#store.get(key, AS_TEXT)) as StoredData<Value>
  }

  async getMany<Value>(keys: string[]): Promise<StoredData<Value | undefined>[]> {
    return (await this.#store.getMany(keys, AS_TEXT)) as StoredData<Value>[]
  }

  /**
   * @param value as Keyv's `serialize` made it
   * @param ttl in ms; with Infinity the entry stays for ever, as in Keyv
   * @throws TypeError for anything but text: a Keyv with `serialize: undefined` passes objects; CKV_INVALID_OPTION for a ttl
   *   that is not above 0
   */
  async set(key: string, value: unknown, ttl?: number): Promise<void> {
    if (typeof value !== 'string')
      throw new TypeError('This adapter stores text: do not set serialize to undefined in Keyv')
    await this.#store.put(key, value, { ...AS_TEXT, ttl: ttl === Infinity ? undefined : ttl })
  }

  /** @returns whether there was such an entry */
  async delete(key: string): Promise<boolean> {
    // Both are called now, in this order: calls of the adapter take effect in their order, even if nobody awaits them.
    const [found] = await Promise.all([this.has(key), this.#store.del(key, KEYS_AS_TEXT)])
    return found
  }

  /** Deletes all of the entries or, if it fails, none. @returns whether at least one was there */
  async deleteMany(keys: string[]): Promise<boolean> {
    const operations = keys.map(key => ({ type: 'del', key }) as const)
    const [found] = await Promise.all([this.hasMany(keys), this.#store.batch(operations, KEYS_AS_TEXT)])
    return found.includes(true)
  }

  async has(key: string): Promise<boolean> {
    return this.#store.has(key, KEYS_AS_TEXT)
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return this.#store.hasMany(keys, KEYS_AS_TEXT)
  }

  /** Deletes the namespace's entries; without a namespace, everything in the store. */
  async clear(): Promise<void> {
    await this.#store.clear({ ...rangeOf(this.namespace), ...KEYS_AS_TEXT })
  }

  /** The entries as they are at one moment, in the order of their keys, which include the namespace. The values are serialised. */
  async *iterator<Value>(namespace?: string): AsyncGenerator<(string | Awaited<Value> | undefined)[], void> {
    yield* this.#store.iterator({ ...rangeOf(namespace), ...AS_TEXT })
  }

  /** Closes the store, for other adapters over it as well. */
  async disconnect(): Promise<void> {
    await this.#store.close()
  }

  /** Keyv listens for errors that no call reports. There are none: every failure rejects a call. */
  on(): this {
    return this
  }
}

/** All keys `namespace:…`, up to the first with the character after the colon. */
function rangeOf(namespace: string | undefined): { gte?: string; lt?: string } {
  return namespace === undefined || namespace === '' ? {} : { gte: `${namespace}:`, lt: `${namespace};` }
}

import { CompressedKvError, type WriteOptions } from 'compressed-kv'
import type { KeyvStoreAdapter, StoredData } from 'keyv'

interface Encodings {
  keyEncoding: 'utf8'
  valueEncoding?: 'utf8'
}

/** What the adapter uses of a store: a `CompressedKvStore` of any key and value type has it, and so has a sublevel of one. */
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
}

/** Keyv's keys are text, and so is what it has serialised, whatever the store's own encodings are. */
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
 * other data. A key `k` of namespace `n` is the store's key `n:k`. Entries vanish when their time to live is over, here as in
 * Keyv.
 */
export class KeyvCompressedStore implements KeyvStoreAdapter {
  /** Keyv sets it. Without one, `clear()` and `iterator()` mean the whole store. */
  namespace: string | undefined
  /** Keyv offers its `iterator()` only over the dialects on a list of its own, and this is one. Nothing else depends on it. */
  readonly opts = { dialect: 'etcd' }
  readonly #store: KeyvBackingStore

  /** @throws LEVEL_NOT_SUPPORTED for what is no store */
  constructor(store: KeyvBackingStore) {
    if (typeof store?.getMany !== 'function' || typeof store.iterator !== 'function') {
      throw new CompressedKvError(
        'LEVEL_NOT_SUPPORTED',
        'A Keyv is kept in a CompressedKvStore, or in a sublevel of one'
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
   * @param ttl in ms
   * @throws TypeError for anything but text: a Keyv with `serialize: undefined` hands over objects; CKV_INVALID_OPTION for a ttl
   *   that is not above 0
   */
  async set(key: string, value: unknown, ttl?: number): Promise<void> {
    if (typeof value !== 'string') throw new TypeError('This adapter stores text: leave Keyv its serialize function')
    await this.#store.put(key, value, { ...AS_TEXT, ttl })
  }

  /** @returns whether there was such an entry */
  async delete(key: string): Promise<boolean> {
    // Both begin now, in this order, so that calls nobody awaits take effect in theirs.
    const [found] = await Promise.all([this.has(key), this.#store.del(key, KEYS_AS_TEXT)])
    return found
  }

  /** Deletes all of them or, if it fails, none. @returns whether any of them was there */
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

  /** Deletes what is in the namespace; without one, everything in the store. */
  async clear(): Promise<void> {
    await this.#store.clear({ ...rangeOf(this.namespace), ...KEYS_AS_TEXT })
  }

  /** Entries of one moment in the order of their keys, namespace included, values as they were serialised. */
  async *iterator<Value>(namespace?: string): AsyncGenerator<(string | Awaited<Value> | undefined)[], void> {
    yield* this.#store.iterator({ ...rangeOf(namespace), ...AS_TEXT })
  }

  /** Closes the store, also for other adapters over it. */
  async disconnect(): Promise<void> {
    await this.#store.close()
  }

  /** Keyv listens for errors that nobody waits for. There are none: every failure rejects the call that met it. */
  on(): this {
    return this
  }
}

/** All keys `namespace:…`: up to the first that begins with the character after the colon. */
function rangeOf(namespace: string | undefined): { gte?: string; lt?: string } {
  return namespace === undefined || namespace === '' ? {} : { gte: `${namespace}:`, lt: `${namespace};` }
}

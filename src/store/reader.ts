import type { AbstractSnapshot } from 'abstract-level'
import type { Opened } from '../envelope/open.js'
import { notSupported } from '../errors.js'
import type { AnyLevel } from './any-level.js'
import { AS_BYTES } from './as-bytes.js'
import { supportsGetSync } from './manifest.js'
import { GetQueue } from './get-queue.js'
import { keyName } from './key-name.js'
import type { MarkerState } from './marker-state.js'
import type { Unsealer } from './unsealer.js'
import { isReserved } from './reserved-keys.js'
import { backendSnapshotOf } from './snapshot.js'
import type { ValueCache } from './value-cache.js'

/** As abstract-level hands them to `_get` and its like: encodings are formats, which for this store is always 'buffer'. */
export interface EncodedReadOptions {
  readonly keyEncoding?: string
  readonly valueEncoding?: string
  readonly snapshot?: AbstractSnapshot
}

/** The read path: cache, backend, envelope. */
export class Reader {
  readonly #backend: AnyLevel
  readonly #marker: MarkerState
  readonly #unsealer: Unsealer
  readonly #cache: ValueCache | undefined
  readonly #gets: GetQueue
  readonly #syncReads: boolean

  constructor(backend: AnyLevel, marker: MarkerState, unsealer: Unsealer, cache: ValueCache | undefined) {
    this.#backend = backend
    this.#marker = marker
    this.#unsealer = unsealer
    this.#cache = cache
    this.#gets = new GetQueue(backend)
    this.#syncReads = supportsGetSync(backend)
  }

  async get(key: Buffer, options: EncodedReadOptions): Promise<Buffer | undefined> {
    if (isReserved(key)) return undefined
    const cache = options.snapshot ? undefined : this.#cache
    if (cache === undefined) return this.#valueOf(await this.#stored(key, options))

    const name = keyName(key)
    const cached = cache.get(name)
    if (cached !== undefined) return cached
    const fill = cache.beginFill(name)
    let value: Buffer | undefined
    let opened: Opened | undefined
    try {
      opened = this.#open(await this.#stored(key, options))
      value = opened && (await this.#unsealer.value(opened))
    } finally {
      cache.endFill(name, fill, value, opened?.expiresAt)
    }
    return value
  }

  /** Resolves when the gets under way have been answered by the backend. */
  drain(): Promise<void> {
    return this.#gets.drain()
  }

  getSync(key: Buffer, options: EncodedReadOptions): Buffer | undefined {
    if (isReserved(key)) return undefined
    if (!this.#syncReads) throw notSupported('The backend has no getSync()')
    const cached = options.snapshot ? undefined : this.#cache?.get(keyName(key))
    if (cached !== undefined) return cached
    const opened = this.#open(this.#backend.getSync(key, forBackend(options, this.#backend)))
    return opened && this.#unsealer.valueSync(opened)
  }

  async getMany(keys: readonly Buffer[], options: EncodedReadOptions): Promise<(Buffer | undefined)[]> {
    const stored = await this.#backend.getMany<Buffer, Uint8Array>(keys as Buffer[], forBackend(options, this.#backend))
    const values = keys.map((key, i) => (isReserved(key) ? undefined : this.#settled(stored[i])))
    return values.some(value => value instanceof Promise) ? Promise.all(values) : (values as (Buffer | undefined)[])
  }

  async has(key: Buffer, options: EncodedReadOptions): Promise<boolean> {
    return (await this.hasMany([key], options))[0]!
  }

  /** abstract-level lets go of the snapshot before this settles, so it is held here. */
  async hasMany(keys: readonly Buffer[], options: EncodedReadOptions): Promise<boolean[]> {
    options.snapshot?.ref()
    try {
      return await this.#hasMany(keys, options)
    } finally {
      options.snapshot?.unref()
    }
  }

  async #hasMany(keys: readonly Buffer[], options: EncodedReadOptions): Promise<boolean[]> {
    const backend = this.#backend
    if (this.#marker.ttlUsed || !backend.supports.has) {
      const read = { ...forBackend(options, this.#backend), ...AS_BYTES }
      const stored = await backend.getMany<Buffer, Uint8Array>(keys as Buffer[], read)
      return keys.map((key, i) => !isReserved(key) && stored[i] !== undefined && this.#unsealer.isVisible(stored[i]))
    }
    const found = await backend.hasMany(keys as Buffer[], forBackend(options, this.#backend))
    return keys.map((key, i) => !isReserved(key) && found[i]!)
  }

  #stored(key: Buffer, options: EncodedReadOptions): Promise<Uint8Array | undefined> {
    // An option may mean something to the backend: only gets without any are alike.
    for (const name in options) {
      if (name !== 'keyEncoding' && name !== 'valueEncoding') {
        return this.#backend.get(key, forBackend(options, this.#backend))
      }
    }
    return this.#gets.get(key)
  }

  #valueOf(stored: Uint8Array | undefined): Buffer | undefined | Promise<Buffer> {
    const opened = this.#open(stored)
    return opened && this.#unsealer.value(opened)
  }

  /** The same, with an error as a rejection: beside it others may be under way, which must not reject unseen. */
  #settled(stored: Uint8Array | undefined): Buffer | undefined | Promise<Buffer> {
    try {
      return this.#valueOf(stored)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #open(stored: Uint8Array | undefined): Opened | undefined {
    return stored === undefined ? undefined : this.#unsealer.open(stored)
  }
}

/** The same options, with the snapshot that the backend knows. */
function forBackend(options: EncodedReadOptions, backend: AnyLevel): EncodedReadOptions {
  if (!options.snapshot) return options
  return { ...options, snapshot: backendSnapshotOf(options.snapshot, backend)! }
}

import {
  type AbstractDeferOptions,
  type AbstractGetOptions,
  AbstractLevel,
  type AbstractOpenOptions,
  type AbstractPutOptions,
  type AbstractSnapshot,
  type Transcoder
} from 'abstract-level'
import { CompressedKvError, invalidOption, notSupported } from '../errors.js'
import { Collector } from '../gc/collector.js'
import type { RecoveryReport } from '../wal/recovery/recovered-log.js'
import type { WalReader } from '../wal/wal-reader.js'
import { callWithRange, forwardAdditionalMethods, hideMissingMethods } from './backend/additional-methods.js'
import type { AnyLevel, Wrappable } from './backend/any-level.js'
import { encodedKey, encodedKeys, encodedValue } from './backend/as-bytes.js'
import {
  assertWrappable,
  encodingOverBuffers,
  isLevelDb,
  locationOf,
  openByItselfWith,
  rootOf
} from './backend/backend.js'
import { refuseLostCurrent } from './backend/lost-current.js'
import { assertNotReserved } from './backend/reserved-keys.js'
import { backUp, type BackupOptions, type BackupReport } from './backup.js'
import { defaultGc } from './default-gc.js'
import { StoreGcHost } from './gc-host.js'
import { copyArguments } from './level/caller-buffers.js'
import { StoreChainedBatch } from './level/chained-batch.js'
import { manifestFor } from './level/manifest.js'
import { OpeningSublevels } from './level/opening-sublevels.js'
import { assertOwnSublevel, assertSync, batchRequests, type EncodedOperation } from './level/operations.js'
import { adaptSublevels } from './level/sublevels.js'
import { Lifecycle } from './lifecycle.js'
import { refuseHeldLog } from './log/log-held.js'
import { chooseCodecs } from './options/codec-choice.js'
import { assertNoWriteOptionMisspelt } from './options/misspelt-write-options.js'
import { type CompressedKvStoreOptions, resolveOptions, type WriteOptions } from './options/options.js'
import { type EncodedIteratorOptions, EntrySource } from './reading/entry-source.js'
import { StoreIterator, StoreKeyIterator, StoreValueIterator } from './reading/iterator.js'
import type { EncodedReadOptions } from './reading/reader.js'
import { StoreSnapshot } from './reading/snapshot.js'
import { Counters, type StoreStats } from './stats.js'
import { safeEmitter } from './store-events.js'
import type { EncodedClearOptions } from './writing/clear.js'
import type { Writes } from './writing/writes.js'
import './level/abstract-level-augmentation.js'
import './store-events.js' // For its declarations: a declaration file leaves out an import of a value.

/**
 * Wraps an abstract-level database so that its values are stored compressed, and is an abstract-level database itself.
 *
 * ```ts
 * const level = new Level<string, Order>('./db', { valueEncoding: 'json' })
 * const db = new CompressedKvStore(level, { codec: 'zstd' })
 * ```
 *
 * While it is open, nothing else may write to the backend. Closing either of them closes the other.
 *
 * @typeParam K type of keys, the backend's unless the options name another encoding
 * @typeParam V type of values, likewise
 */
export class CompressedKvStore<K = string, V = string> extends AbstractLevel<Buffer, K, V> {
  /** The wrapped database. Do not write to it. */
  // Not AnyLevel: in the declarations of a program that returns its backend, TypeScript would need that name, which is not exported.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly backend: AbstractLevel<any, any, any>
  /** Sweeps the store: recompresses values, removes what has expired, puts plain values from before the database was wrapped into envelopes. */
  readonly gc: Collector
  readonly #readOnly: boolean
  readonly #counters = new Counters()
  readonly #encodeKey: (key: K) => Buffer
  readonly #encodeValue: (value: V) => Buffer
  readonly #lifecycle: Lifecycle
  readonly #openingSublevels = new OpeningSublevels()
  /** What `get` without options calls; undefined while the store is not open. */
  #plainGet: ((key: Buffer) => Promise<V | undefined>) | undefined

  /**
   * @throws CKV_INVALID_OPTION; LEVEL_NOT_SUPPORTED for a backend that holds only text, or is itself a `CompressedKvStore`
   */
  constructor(backend: Wrappable<K, V>, options?: CompressedKvStoreOptions<K, V>)
  // oxlint-disable typescript/no-explicit-any -- the types that the encodings given here replace
  constructor(
    backend: Wrappable<K, any>,
    options: CompressedKvStoreOptions<K, V> & { readonly valueEncoding: string | Transcoder.PartialEncoding<V> }
  )
  constructor(
    backend: Wrappable<any, any>,
    options: CompressedKvStoreOptions<K, V> & { readonly keyEncoding: string | Transcoder.PartialEncoding<K> }
  )
  // oxlint-enable typescript/no-explicit-any
  constructor(wrappable: object, options?: CompressedKvStoreOptions<K, V>) {
    const backend = wrappable as AnyLevel
    assertWrappable(backend)
    if (rootOf(backend) instanceof CompressedKvStore) {
      throw notSupported('The backend is a CompressedKvStore already, or a sublevel of one: wrap the database below it')
    }
    refuseLostCurrent(backend)
    refuseHeldLog(backend)
    const { settings, rest } = resolveOptions(options, locationOf(backend) !== undefined)
    const choice = chooseCodecs(settings.codec)
    super(manifestFor(backend, settings.wal !== undefined), {
      ...rest,
      keyEncoding: rest.keyEncoding ?? encodingOverBuffers(backend.keyEncoding()),
      valueEncoding: rest.valueEncoding ?? encodingOverBuffers(backend.valueEncoding())
    })
    const [keys, values] = [this.keyEncoding(), this.valueEncoding()]
    this.#encodeKey = key => keys.encode(key)
    this.#encodeValue = value => values.encode(value)
    this.backend = backend
    this.#readOnly = settings.readOnly
    const emit = safeEmitter(this)
    this.#lifecycle = new Lifecycle({ store: this, backend, settings, choice, counters: this.#counters, emit })
    const host = new StoreGcHost(backend, settings.maxValueSize, this.#counters, () => this.#lifecycle.session, {
      opening: () => (this.status === 'opening' ? this.deferAsync(async () => {}) : undefined),
      assertWritable: () => {
        this.#assertWritable()
        this.#lifecycle.assertOpen()
      },
      defaultPolicy: () => defaultGc(settings, isLevelDb(backend))
    })
    this.gc = new Collector(host, settings.gc, error => emit('gcError', { error }))
    hideMissingMethods(this, backend)
    forwardAdditionalMethods(this, backend)
    copyArguments(this)
    adaptSublevels(this, this.#openingSublevels, error => this.#lifecycle.explained(error))
    const { keyEncoding: _, valueEncoding: __, ...ofBackend } = rest
    openByItselfWith(backend, ofBackend)
  }

  /** The directory of the backend, if it has one. */
  get location(): string | undefined {
    return locationOf(this.backend)
  }

  /** The write-ahead log, for reading; undefined while the store is not open, and if it has none. */
  get wal(): WalReader | undefined {
    return this.#lifecycle.sessionIfOpen?.log?.reader
  }

  /** What opening the store found in its log; undefined while the store is not open, and if it has none. */
  get recovery(): RecoveryReport | undefined {
    return this.#lifecycle.sessionIfOpen?.log?.recovery
  }

  /** What the store has done since it was constructed, and what it holds now. */
  stats(): StoreStats {
    const { cache, writes, log, tables, small, dictionarySource } = this.#lifecycle.sessionIfOpen ?? {}
    const now = { cache: cache?.size(), pending: writes?.pending, wal: log?.stats(), tables, small }
    const { isRunning, lastReport } = this.gc
    return this.#counters.snapshot({
      ...now,
      gc: { isRunning, lastReport },
      mayUseDictionary: dictionarySource !== undefined
    })
  }

  /**
   * Resolves when the backend has every write that was accepted before. With a log they are on stable storage then; without one they are as
   * durable as the backend makes them.
   *
   * @throws LEVEL_DATABASE_NOT_OPEN; with a MemTable what the backend throws, and nothing is lost then; LEVEL_IO_ERROR if the log could not be
   *   put on stable storage
   */
  async flush(): Promise<void> {
    if (this.status === 'opening') return this.deferAsync(async () => this.flush())
    if (this.#openingSublevels.keepWrites) await this.#openingSublevels.handedOn()
    return this.#lifecycle.session.writes.flush()
  }

  /**
   * Resolves when every write that was accepted before is either on stable storage in the log or rejected.
   *
   * @throws LEVEL_NOT_SUPPORTED without a write-ahead log: then ask for `{ sync: true }` on the write itself; LEVEL_DATABASE_NOT_OPEN;
   *   LEVEL_READONLY; LEVEL_IO_ERROR
   */
  async sync(): Promise<void> {
    if (this.status === 'opening') return this.deferAsync(async () => this.sync())
    if (this.#openingSublevels.keepWrites) await this.#openingSublevels.handedOn()
    const { log, writes } = this.#lifecycle.session
    if (log === undefined) {
      throw notSupported('sync() needs a write-ahead log: without one, pass { sync: true } to the write itself')
    }
    await writes.handedToLog()
    return log.sync()
  }

  /**
   * Copies the store as it is at one moment into another database, while reads and writes go on. That moment is not the call but a little later, when
   * the backend has everything that was written before the call: do not delete what the copy is to have before this resolves. The copy is a store
   * as well: wrap it to read it. Values are copied as they are stored, without being decompressed. If the copy fails, no store opens what was
   * copied until then.
   *
   * @param target an empty database of any kind that holds bytes, but no sublevel of a database that was wrapped. If it is not open, it is opened,
   *   and closed again afterwards
   * @throws LEVEL_NOT_SUPPORTED if `target` is no such database, or if the backend has no snapshots; CKV_INVALID_OPTION if `target` is a store;
   *   LEVEL_LOCKED if a store over it is open; LEVEL_DATABASE_NOT_OPEN if this store is closed meanwhile; the signal's reason; errors of either
   *   database
   */
  async backup<K2, V2>(target: Wrappable<K2, V2>, options: BackupOptions = {}): Promise<BackupReport> {
    if (this.status === 'opening') return this.deferAsync(async () => this.backup(target, options))
    const level = target as unknown as AnyLevel
    assertWrappable(level)
    if (rootOf(level) instanceof CompressedKvStore) throw invalidOption('backup() takes a database, not a store')
    refuseLostCurrent(level)
    refuseHeldLog(level)
    return backUp({ store: this, backend: this.backend, session: this.#lifecycle.session }, level, options)
  }

  /** Compacts a range of the backend, `[start..end)`. Undefined if the backend has no such method. */
  async compactRange(start: K, end: K, options?: { keyEncoding?: string }): Promise<void> {
    await callWithRange(this, this.backend, 'compactRange', start, end, options)
  }

  /** Bytes of disk space that a range of the backend takes, `[start..end)`. Undefined if the backend has no such method. */
  async approximateSize(start: K, end: K, options?: { keyEncoding?: string }): Promise<number> {
    return (await callWithRange(this, this.backend, 'approximateSize', start, end, options)) as number
  }

  /** Internal details of the backend, such as 'leveldb.stats'. Undefined if the backend has no such method. */
  getProperty(property: string): string {
    return (this.backend as unknown as { getProperty(name: string): string }).getProperty(property)
  }

  // ---- opening and closing

  /** Not an async function: its promise would resolve a few ticks later than that of abstract-level's close(). */
  override close(): Promise<void> {
    if (this.status !== 'open' || !this.#openingSublevels.keepWrites) return super.close()
    return this.#openingSublevels.handedOn().then(() => super.close())
  }

  async _open(options: AbstractOpenOptions): Promise<void> {
    await this.#lifecycle.open(options)
    this.#plainGet = this.#lifecycle.session.reader.decoding(this.valueEncoding())
  }

  async _close(): Promise<void> {
    await this.#lifecycle.close()
    this.#plainGet = undefined
  }

  override async deferAsync<T>(call: () => Promise<T>, options?: AbstractDeferOptions): Promise<T> {
    return super.deferAsync(call, options).catch((error: unknown) => Promise.reject(this.#lifecycle.explained(error)))
  }

  // ---- plain calls
  //
  // The fast path of puts without encodings of their own and gets without options, if there are no hooks and listeners. For them abstract-level would
  // only copy the options, and add an async frame and a promise: a fifth of a put's time on the main thread, and with options two fifths.

  override put(key: K, value: V): Promise<void>
  override put<K2 = K, V2 = V>(key: K2, value: V2, options: AbstractPutOptions<K2, V2>): Promise<void>
  override put(key: K, value: V, options?: AbstractPutOptions<K, V>): Promise<void> {
    const isPlain = this.#isPlain(key) && isPresent(value) && !hasEncodings(options) && !this.#isWatched
    if (!isPlain) return super.put(key, value, options!)
    try {
      // The write path may return one promise for several puts. Each caller gets a promise of its own: one that keeps them in a set would
      // lose count otherwise.
      return this._put(this.#encodeKey(key), this.#encodeValue(value), options ?? NO_OPTIONS).then()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  override get(key: K): Promise<V | undefined>
  override get<K2 = K, V2 = V>(key: K2, options: AbstractGetOptions<K2, V2>): Promise<V2 | undefined>
  override get(key: K, options?: AbstractGetOptions<K, V>): Promise<V | undefined> {
    // A subclass may have a `_get` of its own, which abstract-level's get() calls.
    const isPlain = this.#isPlain(key) && options === undefined && this._get === CompressedKvStore.prototype._get
    if (!isPlain) return super.get(key, options!)
    try {
      return this.#plainGet!(encodedKey(this.#encodeKey(key)))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #isPlain(key: K): boolean {
    return this.status === 'open' && isPresent(key)
  }

  /** Whether a hook may change writes, or a listener is told of them. */
  get #isWatched(): boolean {
    return !(this.hooks.prewrite as { noop?: boolean }).noop || this.listenerCount('write') > 0
  }

  // ---- writing

  // abstract-level gives these methods, and the reads below, what an encoding returned: text or any view of bytes. They pass on Buffers.

  _put(key: Buffer, value: Buffer, options: WriteOptions): Promise<void> {
    if (options !== NO_OPTIONS) assertWriteOptions(options)
    const bytes = encodedKey(key)
    return this.#writesTo(bytes).put(bytes, encodedValue(value), options)
  }

  _del(key: Buffer, options: WriteOptions): Promise<void> {
    assertWriteOptions(options)
    const bytes = encodedKey(key)
    return this.#writesTo(bytes).del(bytes, options)
  }

  async _batch(operations: readonly EncodedOperation[], defaults: WriteOptions): Promise<void> {
    assertWriteOptions(defaults)
    for (const operation of operations) {
      assertWriteOptions(operation)
      assertOwnSublevel(operation.sublevel, this)
    }
    const { requests, sync } = batchRequests(operations, defaults)
    for (const { key } of requests) this.#writesTo(key)
    return this.#lifecycle.session.writes.batch(requests, sync)
  }

  _chainedBatch(): StoreChainedBatch {
    return new StoreChainedBatch(this, (operations, options) => this._batch(operations, options))
  }

  async _clear(options: EncodedClearOptions): Promise<void> {
    assertWriteOptions(options)
    this.#assertWritable()
    return this.#lifecycle.session.writes.clear(options)
  }

  /** @throws LEVEL_READONLY; LEVEL_INVALID_KEY for a reserved key */
  #writesTo(key: Buffer): Writes {
    this.#assertWritable()
    assertNotReserved(key)
    const { lastKeys, writes } = this.#lifecycle.session
    lastKeys.beforeWrite(key)
    return writes
  }

  #assertWritable(): void {
    if (this.#readOnly) throw new CompressedKvError('LEVEL_READONLY', 'The store was opened with readOnly: true')
  }

  // ---- reading

  _get(key: Buffer, options: EncodedReadOptions): Promise<Buffer | undefined> | Buffer | undefined {
    return this.#lifecycle.session.reader.get(encodedKey(key), options)
  }

  _getSync(key: Buffer, options: EncodedReadOptions): Buffer | undefined {
    return this.#lifecycle.session.reader.getSync(encodedKey(key), options)
  }

  _getMany(keys: readonly Buffer[], options: EncodedReadOptions): Promise<(Buffer | undefined)[]> {
    return this.#lifecycle.session.reader.getMany(encodedKeys(keys), options)
  }

  _has(key: Buffer, options: EncodedReadOptions): Promise<boolean> {
    return this.#lifecycle.session.reader.has(encodedKey(key), options)
  }

  _hasMany(keys: readonly Buffer[], options: EncodedReadOptions): Promise<boolean[]> {
    return this.#lifecycle.session.reader.hasMany(encodedKeys(keys), options)
  }

  _iterator(options: EncodedIteratorOptions): StoreIterator {
    return new StoreIterator(this, options, this.#entries(options))
  }

  _keys(options: EncodedIteratorOptions): StoreKeyIterator {
    return new StoreKeyIterator(this, options, this.#entries({ ...options, keys: true, values: false }))
  }

  _values(options: EncodedIteratorOptions): StoreValueIterator {
    return new StoreValueIterator(this, options, this.#entries({ ...options, keys: false, values: true }))
  }

  #entries(options: EncodedIteratorOptions): EntrySource {
    const { unsealer, view } = this.#lifecycle.session
    return new EntrySource(view(options.snapshot), options, unsealer)
  }

  _snapshot(options: { owner: AnyLevel }): AbstractSnapshot {
    return new StoreSnapshot(options, this.backend, this.#lifecycle.session.view(undefined).frozen)
  }
}

const NO_OPTIONS: WriteOptions = Object.freeze({})

/** @throws CKV_INVALID_OPTION */
function assertWriteOptions(options: WriteOptions): void {
  assertSync(options)
  assertNoWriteOptionMisspelt(options)
}

/** Calls with encodings of their own are left to abstract-level, and so are those whose options are no object. */
function hasEncodings<K, V>(options: AbstractPutOptions<K, V> | undefined): boolean {
  if (options === undefined) return false
  if (typeof options !== 'object' || options === null) return true
  return options.keyEncoding !== undefined || options.valueEncoding !== undefined
}

/** Calls with null or undefined are left to abstract-level, which throws the right error. */
function isPresent(data: unknown): boolean {
  return data !== undefined && data !== null
}

import { assertKnownOptions, tensor, type TensorDtype } from 'compressed-kv'
import { invalidOption, shown } from './errors.js'
import type { TensorBackingStore } from './tensor-cache/backing-store.js'
import {
  type ChunkFormat,
  entryBefore,
  leadingChunks,
  putChunk,
  putSequence,
  touchChunk
} from './tensor-cache/chunk-entries.js'
import type { Entry } from './tensor-cache/entry-index.js'
import { mismatch } from './tensor-cache/errors.js'
import { assertChunkLayers, assertDtype, assertSequenceLayers, storedArrays } from './tensor-cache/given-tensors.js'
import { chunkId, type EntryId, tensorId } from './tensor-cache/keys.js'
import {
  assertMaxBytes,
  elementsOf,
  EXPECTED_TENSOR,
  layoutOf,
  MAX_AXES,
  MAX_TEXT_LENGTH,
  type TensorCacheOptions
} from './tensor-cache/options.js'
import { endPin, type Pin, pinEntries } from './tensor-cache/pins.js'
import { mergeSequence } from './tensor-cache/sequence-axis.js'
import { spaceOf } from './tensor-cache/shared-spaces.js'
import type { TensorCacheStats } from './tensor-cache/stats.js'
import { bytesOf, type Tensor, type TensorArray } from './tensor-cache/tensor-array.js'
import type { TensorSpace } from './tensor-cache/tensor-space.js'
import { chunksOf, type Namespace, namespaceOf, type TokenChunk, type Tokens } from './tensor-cache/token-chunks.js'

export type { Pin, Tensor, TensorArray, TensorBackingStore, TensorCacheOptions, TensorCacheStats, TokenChunk, Tokens }

/** The tensors of leading tokens of a sequence. */
export interface CachedPrefix<D extends TensorDtype = TensorDtype> {
  /** The number of tokens. */
  readonly tokens: number
  /** For every layer one tensor, with that many tokens on the sequence axis. */
  readonly layers: TensorArray<D>[]
}

/**
 * Caches a language model's keys and values, by layer and chunk of tokens, in a `CompressedKvStore` or a sublevel of one, across restarts:
 *
 * ```ts
 * const cache = new TensorCache(db, { model: 'llama', dtype: 'bf16', layers: 32, shape: [1, 8, 256, 128], seqAxis: 2, maxBytes: 8e9 })
 * await cache.putPrefix(tokens, layers)
 * const cached = await cache.getPrefix(tokens) // { tokens: 512, layers: [...] }, or undefined
 * ```
 *
 * A chunk is found by its tokens and all before them. It is stored whole or not at all. When there is no room, the least recently used chunk is
 * evicted; of a prefix, that is its last one. Arrays passed in must not change until the call has resolved; those returned are the caller's own.
 */
export class TensorCache<D extends TensorDtype = TensorDtype> {
  /** What stands for the cache's model, dtype and layout in its keys. */
  readonly namespace: string
  /** The number of tokens in a chunk. */
  readonly chunkTokens: number
  readonly #db: TensorBackingStore
  readonly #format: ChunkFormat<D>
  readonly #namespace: Namespace
  readonly #maxBytes: number
  #hits = 0
  #misses = 0

  /**
   * Reads nothing yet.
   *
   * @param db open or opening
   * @throws LEVEL_NOT_SUPPORTED if `db` is neither a `CompressedKvStore` nor a sublevel of one; CKV_INVALID_OPTION, also if another cache over `db`
   *   has another `maxBytes`
   */
  constructor(db: TensorBackingStore, options: TensorCacheOptions<D>) {
    const layout = layoutOf(options)
    assertMaxBytes(options.maxBytes)
    const codec = tensor({ dtype: options.dtype, codec: options.codec })
    this.#format = { layout, codec }
    this.#namespace = namespaceOf(layout)
    this.namespace = this.#namespace.name
    this.chunkTokens = layout.chunkTokens
    this.#db = db
    this.#maxBytes = options.maxBytes
    spaceOf(db, options.maxBytes)
  }

  // ---- by tokens

  /**
   * The whole chunks of a sequence; tokens that fill none are left out.
   *
   * @throws CKV_INVALID_OPTION for a token that is no integer from 0 to 2^32 - 1
   */
  chunksOf(tokens: Tokens): TokenChunk[] {
    return [...this.#chunks(tokens)]
  }

  /**
   * How many leading tokens of a sequence are cached, with all layers: a multiple of {@link chunkTokens}. They may be evicted right afterwards,
   * unless they are pinned.
   *
   * @throws as {@link chunksOf}; what the store throws
   */
  async hasPrefix(tokens: Tokens): Promise<number> {
    return leadingChunks(await this.#space(), this.#chunks(tokens)).at(-1)?.chunk.end ?? 0
  }

  /**
   * Stores the whole chunks of a sequence that are not there yet, first to last.
   *
   * @param layers for every layer the tensor of the whole sequence, or of a longer one; its length tells the number of its tokens
   * @returns how many leading tokens are cached now: fewer than were given if entries that are pinned or being replaced leave too little room
   * @throws as {@link chunksOf}; CKV_TENSOR_MISMATCH; CKV_VALUE_TOO_LARGE for chunks above `maxBytes`; what the store throws
   */
  async putPrefix(tokens: Tokens, layers: readonly TensorArray<D>[]): Promise<number> {
    const chunks = this.chunksOf(tokens)
    assertSequenceLayers(this.#format.layout, layers, chunks.at(-1)?.end ?? 0)
    return putSequence(await this.#space(), this.#format, chunks, layers)
  }

  /**
   * The tensors of as many leading tokens as are cached; undefined if there are none.
   *
   * @throws LEVEL_CORRUPTION if a value is damaged, CKV_TENSOR_MISMATCH if it has the wrong length. In both cases its chunk is deleted, and a miss
   *   from then on. As {@link chunksOf}; what the store throws
   */
  async getPrefix(tokens: Tokens): Promise<CachedPrefix<D> | undefined> {
    const { layout } = this.#format
    const space = await this.#space()
    const leading = leadingChunks(space, this.#chunks(tokens))
    touchChunk(space, leading.at(-1)?.chunk)
    const read = await space.readLeading(leading.map(({ entry }) => entry))
    // Only the first missing chunk counts as a miss.
    if ((read.length + 1) * this.chunkTokens <= tokens.length) this.#misses++
    if (read.length === 0) return undefined
    const arrays = await Promise.all(
      read.map((values, i) => this.#found(space, leading[i]!.entry, values, layout.layers, layout.elements))
    )
    const layers = Array.from({ length: layout.layers }, (_, layer) =>
      mergeSequence(
        layout,
        arrays.map(chunk => chunk[layer]!)
      )
    )
    return { tokens: read.length * this.chunkTokens, layers }
  }

  // ---- by chunk

  /**
   * Stores one chunk, unless it is there already.
   *
   * @param layers each of the cache's `shape`
   * @returns whether it is cached now: false if entries that are pinned or being replaced leave too little room
   * @throws CKV_TENSOR_MISMATCH for another number of layers, dtype or shape, or a chunk of another model's cache; CKV_VALUE_TOO_LARGE if the
   *   chunk is larger than `maxBytes`; what the store throws
   */
  async putLayers(chunk: TokenChunk, layers: readonly TensorArray<D>[]): Promise<boolean> {
    this.#assertOwn(chunk)
    assertChunkLayers(this.#format.layout, layers)
    const space = await this.#space()
    const before = entryBefore(space, chunk)
    const next = before !== undefined && space.order.isNewestEnd(before) ? before : undefined
    const isThere = await putChunk(space, this.#format, chunk, () => layers, { next })
    if (isThere) touchChunk(space, chunk)
    return isThere
  }

  /**
   * The layers of one chunk; undefined if they are not all there.
   *
   * @throws CKV_TENSOR_MISMATCH for a chunk of another model's cache; for damaged values as {@link getPrefix} does
   */
  async getLayers(chunk: TokenChunk): Promise<TensorArray<D>[] | undefined> {
    this.#assertOwn(chunk)
    const { layers, elements } = this.#format.layout
    const space = await this.#space()
    const entry = space.find(chunkId(chunk))
    if (entry !== undefined) touchChunk(space, chunk)
    const values = entry && (await space.read(entry))
    return values === undefined ? this.#missed() : this.#found(space, entry!, values, layers, elements)
  }

  /**
   * Keeps the cached leading chunks of a sequence from being evicted until they are unpinned or the store is closed. A chunk that is pinned more than
   * once stays until all of its pins have ended.
   *
   * @throws as {@link chunksOf}; what the store throws
   */
  async pin(tokens: Tokens): Promise<Pin> {
    const leading = leadingChunks(await this.#space(), this.#chunks(tokens))
    const entries = leading.map(({ entry }) => entry)
    return pinEntries(entries, leading.length * this.chunkTokens)
  }

  /**
   * Ends a pin, also one that another cache made. Does nothing if it has ended already.
   *
   * @throws CKV_INVALID_OPTION for anything but what {@link pin} has resolved with
   */
  unpin(pin: Pin): void {
    endPin(pin)
  }

  // ---- by name

  /**
   * Stores one tensor of the cache's model and dtype, of any shape. It replaces a tensor of the same name.
   *
   * @returns whether it is cached now: false if entries that are pinned or being replaced leave too little room
   * @throws CKV_TENSOR_MISMATCH if `data` is not an array of that dtype, or not of that shape; CKV_VALUE_TOO_LARGE; what the store throws
   */
  async putTensor(name: string, given: Tensor<D>): Promise<boolean> {
    const id = this.#tensorId(name)
    const { data, shape }: Partial<Tensor<D>> = given ?? {}
    assertDtype(this.#format.layout, data)
    const elements = elementsOf(shape)
    if (Number.isNaN(elements)) {
      throw mismatch(`A tensor's shape must be an array of at most ${MAX_AXES} integers above 0, not ${shown(shape)}`)
    }
    if (elements !== data.length) throw mismatch(`A tensor of ${data.length} numbers is not of shape ${shown(shape)}`)
    const facts = { model: this.#format.layout.model, name, shape: [...shape] }
    return (await this.#space()).write(id, facts, [bytesOf(data)], this.#format.codec)
  }

  /**
   * @param expected if it has a shape, a tensor of another shape is refused
   * @returns undefined if there is no such tensor
   * @throws CKV_TENSOR_MISMATCH; CKV_INVALID_OPTION; LEVEL_CORRUPTION if the value is damaged
   */
  async getTensor(name: string, expected: { readonly shape?: readonly number[] } = {}): Promise<Tensor<D> | undefined> {
    const id = this.#tensorId(name)
    assertKnownOptions('getTensor()', expected, EXPECTED_TENSOR)
    const { shape: wanted } = expected
    const space = await this.#space()
    const found = await space.readCurrent(id)
    if (found === undefined) return this.#missed()
    const { shape = [] } = found.entry.record
    if (wanted !== undefined && String(wanted) !== String(shape)) {
      throw mismatch(`'${name}' has shape ${shown(shape)}, not ${shown(wanted)}`)
    }
    space.order.touch([found.entry])
    const [data] = await this.#found(space, found.entry, found.values, 1, elementsOf(shape))
    return { data: data!, shape: [...shape] }
  }

  /**
   * @returns whether there was such a tensor
   * @throws CKV_INVALID_OPTION for a name that no tensor can have; what the store throws
   */
  async delTensor(name: string): Promise<boolean> {
    return (await this.#space()).delete(this.#tensorId(name))
  }

  // ---- everything

  /**
   * Deletes everything of this model, dtype and layout, pinned or not, also what is being put when this is called. What is put later stays.
   *
   * @throws what the store throws
   */
  async clear(): Promise<void> {
    return (await this.#space()).clear(this.namespace)
  }

  /**
   * Writes what is only in memory: when chunks and tensors were used, and their exact sizes. That happens by itself within 10 seconds after a use.
   * Call this before closing the store, so that the next process evicts in the right order.
   *
   * @throws what the store throws
   */
  async flush(): Promise<void> {
    return (await this.#space()).flush()
  }

  /** What is cached here, and how often this cache had what it was asked for. */
  stats(): TensorCacheStats {
    const { room, size } = spaceOf(this.#db, this.#maxBytes)
    const { taken, maxBytes, evictions } = room
    return { bytes: taken, maxBytes, entries: size, evictions, hits: this.#hits, misses: this.#misses }
  }

  // ----

  async #space(): Promise<TensorSpace> {
    const space = spaceOf(this.#db, this.#maxBytes)
    await space.ready()
    return space
  }

  /** The chunks one by one, hashed on demand. */
  #chunks(tokens: Tokens): Generator<TokenChunk, void> {
    return chunksOf(tokens, this.chunkTokens, this.#namespace)
  }

  async #found(
    space: TensorSpace,
    entry: Entry,
    values: readonly Uint8Array[],
    count: number,
    elements: number
  ): Promise<TensorArray<D>[]> {
    try {
      const arrays = storedArrays(this.#format.layout, values, count, elements)
      this.#hits++
      return arrays
    } catch (error) {
      await space.drop(entry) // It is treated as damaged: reported once, and then it can be put again.
      throw error
    }
  }

  #missed(): undefined {
    this.#misses++
  }

  #tensorId(name: string): EntryId {
    // The name is hashed as UTF-8, in which all halves of surrogate pairs are the same.
    if (typeof name !== 'string' || name.length > MAX_TEXT_LENGTH || /\p{Surrogate}/u.test(name)) {
      throw invalidOption(`A tensor's name must be well-formed text of at most ${MAX_TEXT_LENGTH} characters`)
    }
    return tensorId(this.#namespace, name)
  }

  #assertOwn(chunk: TokenChunk | undefined): void {
    if (chunk?.namespace === this.namespace) return
    throw mismatch(
      'The chunk is of a cache with another model, dtype or layout: take one from chunksOf() of this cache'
    )
  }
}

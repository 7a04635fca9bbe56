import { createHash } from 'node:crypto'
import { type Codec, type CodecName, CompressedKvError, type WriteOptions } from 'compressed-kv'
import { ByteSemaphore } from './byte-semaphore.js'
import { type BytesLevel, keepsOrder } from './bytes-level.js'
import { FlushPace } from './flush-pace.js'
import { chunkKey, garbageKey, type Generation, MAX_CHUNKS } from './keys.js'
import { LLAMA_HEADER_BYTES } from './llama-state.js'

/**
 * The most bytes of chunks that are being compressed and logged at once, in the whole process: the thread pool has four threads, of which codecs
 * get three. Chunks that wait for room in a store's MemTable count as well.
 */
const MAX_BYTES_IN_FLIGHT = 4 * 1024 * 1024
const inFlight = new ByteSemaphore(MAX_BYTES_IN_FLIGHT)

/** The size of a blob's first buffer: many blobs are small. */
const FIRST_BUFFER_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)

/** What is known of the bytes when all are written. */
interface Content {
  readonly length: number
  readonly sha256: string
  /** The first {@link LLAMA_HEADER_BYTES} bytes, or fewer if there are no more. */
  readonly head: Buffer
}

/** Cuts bytes into the chunks of a generation, and puts several of them at a time. */
export class ChunkWriter {
  readonly #level: BytesLevel
  readonly #generation: Generation
  readonly #chunkBytes: number
  readonly #codec: Codec | CodecName | undefined
  readonly #pace: FlushPace
  readonly #hash = createHash('sha256')
  #head: Buffer = NOTHING
  #length = 0
  /** The chunk that is being filled. */
  #buffer: Buffer = NOTHING
  #filled = 0
  #chunks = 0
  /** Whether something may have been written that has to be deleted if the blob is given up. */
  begun = false
  /** Keys of chunks whose put failed. Replaying the log may restore them, although the store does not show them now. */
  readonly failed: Buffer[] = []
  /** Buffers of whole chunks that are written, to be filled again. */
  readonly #spare: Buffer[] = []
  readonly #puts = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  constructor(level: BytesLevel, generation: Generation, chunkBytes: number, codec: Codec | CodecName | undefined) {
    this.#level = level
    this.#generation = generation
    this.#chunkBytes = chunkBytes
    this.#codec = codec
    this.#pace = new FlushPace(level)
  }

  /** Resolves when the caller may change `bytes`. @throws what an earlier put has thrown */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#head.length < LLAMA_HEADER_BYTES) {
      this.#head = Buffer.concat([this.#head, bytes.subarray(0, LLAMA_HEADER_BYTES - this.#head.length)])
    }
    for (let from = 0; from < bytes.length;) {
      const part = bytes.subarray(from, from + this.#chunkBytes - this.#filled)
      this.#hash.update(part)
      this.#fill(part)
      from += part.length
      if (this.#filled === this.#chunkBytes) await this.#send()
    }
    this.#length += bytes.length
  }

  /** Resolves when the store has every chunk. */
  async end(): Promise<Content> {
    if (this.#filled > 0) await this.#send()
    await this.settled()
    if (this.#failure !== undefined) throw this.#failure.error
    return { length: this.#length, sha256: this.#hash.digest('hex'), head: this.#head }
  }

  /** Resolves when no put is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#puts)
  }

  #fill(part: Uint8Array): void {
    const filled = this.#filled + part.length
    if (filled > this.#buffer.length) this.#grow(filled)
    this.#buffer.set(part, this.#filled)
    this.#filled = filled
  }

  #grow(wanted: number): void {
    const spare = this.#filled === 0 ? this.#spare.pop() : undefined
    const capacity = Math.min(this.#chunkBytes, Math.max(2 * this.#buffer.length, wanted, FIRST_BUFFER_BYTES))
    const larger = spare ?? Buffer.allocUnsafeSlow(this.#chunks > 0 ? this.#chunkBytes : capacity)
    larger.set(this.#buffer.subarray(0, this.#filled))
    this.#buffer = larger
  }

  async #send(): Promise<void> {
    const buffer = this.#buffer
    const chunk = buffer.subarray(0, this.#filled)
    this.#buffer = NOTHING
    this.#filled = 0
    const options = { sync: !keepsOrder(this.#level) }
    if (!this.begun) {
      this.begun = true
      await this.#level.put(garbageKey(this.#generation), NOTHING, options)
    }
    if (this.#chunks === MAX_CHUNKS) {
      throw new CompressedKvError(
        'CKV_VALUE_TOO_LARGE',
        `A blob has at most ${MAX_CHUNKS} chunks of ${this.#chunkBytes} bytes: raise chunkBytes`
      )
    }
    await this.#pace.written(chunk.length)
    await inFlight.enter(chunk.length)
    if (this.#failure === undefined) this.#put(chunk, buffer, options)
    else inFlight.leave(chunk.length)
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #put(chunk: Buffer, buffer: Buffer, options: WriteOptions): void {
    const key = chunkKey(this.#generation, this.#chunks++)
    const codec = this.#codec === undefined ? {} : { codec: this.#codec }
    const put = this.#level
      .put(key, chunk, { ...options, ...codec })
      .catch((error: unknown) => {
        this.failed.push(key)
        this.#failure ??= { error }
      })
      .then(() => {
        this.#puts.delete(put)
        // Filled again only from now on: listeners to the store's writes get this very buffer.
        if (buffer.length === this.#chunkBytes) this.#spare.push(buffer)
        inFlight.leave(chunk.length)
      })
    this.#puts.add(put)
  }
}

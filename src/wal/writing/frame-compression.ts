import { setImmediate } from 'node:timers'
import { type Codec, CODEC_ID } from '../../codec/codec.js'
import { isPromise } from '../../is-promise.js'
import {
  OFF_THREAD_BYTES,
  type StoredPayload,
  storePayload,
  storePayloadSync,
  uncompressed
} from '../format/frame-payload.js'

/** Frames on other threads at once: more than there are processors for, so that none of the threads has to wait for this one. */
const MAX_OFF_THREAD = 3
/** Largest frame that the calling thread takes over, in raw bytes: half a millisecond for LZ4. */
const MAX_HERE_BYTES = 256 * 1024

/** Frames compressed at once where the codec may yield: further ones would wait for a thread longer than it takes to write them raw. */
const MAX_YIELDING = 2

interface Waiting {
  readonly raw: Buffer
  readonly done: (payload: StoredPayload | Promise<StoredPayload>) => void
}

/**
 * Compresses frames: a few on other threads and, of those that would have to wait for one, the oldest on the calling thread, one per
 * turn of the event loop. The latter only with LZ4: other codecs would take too much of the turn.
 */
export class FrameCompression {
  readonly #codec: Codec
  readonly #mayYield: boolean
  #offThread = 0
  readonly #waiting: Waiting[] = []
  #helping = false

  /** @param mayYield frames may go uncompressed for the sake of speed */
  constructor(codec: Codec, mayYield: boolean) {
    this.#codec = codec
    this.#mayYield = mayYield
  }

  /**
   * A frame's payload as it is stored. Never rejects: what the codec cannot compress is stored raw.
   *
   * @param isFull whether more records are waiting already. A frame that is not full is written while the disk has nothing else to do, and all who
   *   appended to it would wait for the codec: sixteen of them, 1 KiB each, twice as long
   */
  store(raw: Buffer, isFull: boolean): StoredPayload | Promise<StoredPayload> {
    if (this.#mayYield && (!isFull || this.#offThread >= MAX_YIELDING)) return uncompressed(raw)
    if (this.#offThread < MAX_OFF_THREAD || !this.#canHelp(raw)) return this.#begin(raw)
    const stored = new Promise<StoredPayload>(done => this.#waiting.push({ raw, done }))
    if (!this.#helping) this.#help()
    return stored
  }

  #canHelp({ length }: Buffer): boolean {
    return this.#codec.id === CODEC_ID.lz4 && length >= OFF_THREAD_BYTES && length <= MAX_HERE_BYTES
  }

  #begin(raw: Buffer): StoredPayload | Promise<StoredPayload> {
    const stored = storePayload(raw, this.#codec)
    if (!isPromise(stored)) return stored
    this.#offThread++
    return stored.finally(() => {
      this.#offThread--
      const next = this.#waiting.shift()
      next?.done(this.#begin(next.raw))
    })
  }

  #help(): void {
    this.#helping = true
    setImmediate(() => {
      this.#helping = false
      const next = this.#waiting.shift()
      next?.done(storePayloadSync(next.raw, this.#codec))
      if (this.#waiting.length > 0) this.#help()
    })
  }
}

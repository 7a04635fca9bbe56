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

/** How many frames are on other threads at once: more than two processors work on, so that none has to wait for the calling thread. */
const MAX_OFF_THREAD = 3
/** The largest frame that the calling thread takes over, in raw bytes: LZ4 takes half a millisecond for it. */
const MAX_HERE_BYTES = 256 * 1024

/** How many frames are compressed at once if they may be stored raw instead: writing a third one raw takes less time than waiting for a thread. */
const MAX_YIELDING = 2

interface Waiting {
  readonly raw: Buffer
  readonly done: (payload: StoredPayload | Promise<StoredPayload>) => void
}

/**
 * Compresses frames on other threads, a few at once. With LZ4, and if others wait for a thread, the calling thread compresses the oldest of those
 * as well, one in each turn of the event loop. Other codecs would take too much of a turn.
 */
export class FrameCompression {
  readonly #codec: Codec
  readonly #mayYield: boolean
  #offThread = 0
  readonly #waiting: Waiting[] = []
  #helping = false

  /** @param mayYield whether frames may be stored uncompressed to save time */
  constructor(codec: Codec, mayYield: boolean) {
    this.#codec = codec
    this.#mayYield = mayYield
  }

  /**
   * A frame's payload as it is stored. Never rejects: what the codec cannot compress is stored raw.
   *
   * @param isFull whether the frame was closed because it was full. One that is not full is written because the disk has nothing else to do: all its
   *   callers would wait for the codec, sixteen that append 1 KiB each for twice as long
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

import type { CompressedKvStore } from 'compressed-kv'
import type { BytesLevel } from './bytes-level.js'

/**
 * Whenever one put has written this many bytes, they are flushed to the backend while the next are written: the MemTable never holds more than twice
 * as many of them. A store may keep 64 MiB in its MemTable, but for a blob that gains nothing, since none of it is overwritten. LevelDB takes a flush
 * as one batch, which it has in memory twice: with 8 MiB a blob would add 20 to 40 MiB more to the process, and be written a tenth faster.
 */
const FLUSH_BYTES = 2 * 1024 * 1024

/** Flushes the store while a stream is being written. */
export class FlushPace {
  readonly #store: CompressedKvStore<unknown, unknown>
  #unflushed = 0
  #flushing: Promise<void> | undefined

  constructor({ db }: BytesLevel) {
    this.#store = db
  }

  /** Call with the bytes to write next. Resolves when they may be written. */
  async written(bytes: number): Promise<void> {
    this.#unflushed += bytes
    if (this.#unflushed < FLUSH_BYTES) return
    this.#unflushed = 0
    await this.#flushing
    // A flush that fails is reported and repeated by the store. If there is no room meanwhile, writes wait or fail.
    this.#flushing = this.#store.flush().catch(() => {})
  }
}

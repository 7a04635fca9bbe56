import type { CompressedKvStore } from 'compressed-kv'
import type { BytesLevel } from './bytes-level.js'

/**
 * A store may keep 64 MiB in its MemTable, which gains a stream nothing, since none of it is overwritten. So whenever a put has written this many
 * bytes they are flushed to the backend while the next are written: there is never more than twice as much. LevelDB takes a flush as one batch, which
 * it has in memory twice: at 8 MiB a blob would add 20 to 40 MiB more to the process, and be written a tenth faster.
 */
const FLUSH_BYTES = 2 * 1024 * 1024

/** Flushes the store while a stream is being written. */
export class FlushPace {
  readonly #store: CompressedKvStore<unknown, unknown>
  #unflushed = 0
  #flushing: Promise<void> | undefined

  constructor({ db }: BytesLevel) {
    this.#store = db as CompressedKvStore<unknown, unknown>
  }

  /** Resolves when as much again may be written. */
  async written(bytes: number): Promise<void> {
    this.#unflushed += bytes
    if (this.#unflushed < FLUSH_BYTES) return
    this.#unflushed = 0
    await this.#flushing
    // The store reports a flush that fails, and tries it again. Writes wait, or fail, when there is no room.
    this.#flushing = this.#store.flush().catch(() => {})
  }
}

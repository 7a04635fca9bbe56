import type { CompressedKvStore } from 'compressed-kv'
import type { BytesLevel } from './bytes-level.js'

/**
 * A store may keep 64 MiB in its MemTable, which for a stream is memory and no gain: nothing of it is overwritten. So what a put has written is
 * moved to the backend when it is so much, while the next is written, and there is never more than twice that. LevelDB takes a flush as one
 * batch, which it has in memory twice: at 8 MiB a blob adds 20 to 40 MiB more to the process, and is written a tenth faster.
 */
const FLUSH_BYTES = 2 * 1024 * 1024

/** Has the store flushed as a stream goes on. */
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
    // One that fails is told by the store, and tried again. Writes wait, or fail, when there is no room.
    this.#flushing = this.#store.flush().catch(() => {})
  }
}

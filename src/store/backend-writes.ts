import type { AnyLevel } from './any-level.js'
import type { Operation } from './backend-write.js'
import { copiedBounds } from './caller-buffers.js'
import { clearBackend, clearLogged, type EncodedClearOptions } from './clear.js'
import type { MarkerState } from './marker-state.js'
import type { WriteOptions } from './options.js'
import type { Sealer } from './sealer.js'
import type { StoreLog } from './store-log.js'
import type { Unsealer } from './unsealer.js'
import type { ValueCache } from './value-cache.js'
import type { WriteQueue } from './write-queue.js'
import type { WriteRequest, Writes } from './writes.js'

export interface BackendWritesContext {
  readonly backend: AnyLevel
  readonly marker: MarkerState
  readonly sealer: Sealer
  readonly unsealer: Unsealer
  readonly cache: ValueCache | undefined
  readonly log: StoreLog | undefined
}

/** Values are sealed when they are handed in, and a write resolves when the backend has it. */
export class BackendWrites implements Writes {
  readonly #context: BackendWritesContext
  readonly #queue: WriteQueue

  constructor(context: BackendWritesContext, queue: WriteQueue) {
    this.#context = context
    this.#queue = queue
  }

  put(key: Buffer, value: Buffer, options: WriteOptions): Promise<void> {
    return this.#queue.write([this.#sealed({ type: 'put', key, value, options })], options.sync === true)
  }

  del(key: Buffer, options: WriteOptions): Promise<void> {
    return this.#queue.write([{ type: 'del', key: Buffer.from(key) }], options.sync === true)
  }

  async batch(requests: readonly WriteRequest[], sync: boolean): Promise<void> {
    return this.#queue.write(
      requests.map(request => this.#sealed(request)),
      sync
    )
  }

  async clear(options: EncodedClearOptions): Promise<void> {
    const { backend, marker, unsealer, cache, log } = this.#context
    const range = copiedBounds(options) // The clear runs later.
    cache?.clear()
    await this.#queue.barrier(async () => {
      try {
        if (log === undefined) await clearBackend(backend, range, unsealer, marker.ttlUsed)
        else await clearLogged(backend, range, unsealer, marker.ttlUsed, log)
      } finally {
        cache?.clear() // Also a clear that fails may have deleted something.
      }
    })
  }

  flush(): Promise<void> {
    return this.#queue.drain()
  }

  async close(): Promise<boolean> {
    await this.#queue.drain()
    return true
  }

  get pending(): number {
    return this.#queue.pending
  }

  #sealed({ type, key, value, options }: WriteRequest): Operation {
    const ownKey = Buffer.from(key)
    if (type === 'del') return { type, key: ownKey }
    const sealed = this.#context.sealer.seal(ownKey, value!, options)
    if (options.ttl !== undefined) this.#context.marker.useTtl()
    return { type, key: ownKey, value: sealed }
  }
}

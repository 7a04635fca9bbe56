import { storedCopy } from '../../envelope/stored-memory.js'
import { isPromise } from '../../is-promise.js'
import { type BackendOperation, writeToBackend } from '../backend/backend-write.js'
import { halfOpen, tombstoneOf, withOwnBounds } from '../backend/key-range.js'
import type { WriteOptions } from '../options/options.js'
import type { Unsealer } from '../reading/unsealer.js'
import { clearBackend, clearLogged, deleteLogged, type EncodedClearOptions } from './clear.js'
import { rewriteUntouched } from './rewrite-untouched.js'
import type { Sealer } from './sealer.js'
import type { TouchedKeys } from './touched-keys.js'
import { WriteQueue, type WriteQueueContext } from './write-queue.js'
import type { WriteRequest, Writes } from './writes.js'

interface BackendWritesContext extends WriteQueueContext {
  readonly sealer: Sealer
  readonly unsealer: Unsealer
}

/** Stands for the value of a put while it is being sealed. If sealing fails, neither the log nor the backend gets the call. */
const NOT_SEALED: Buffer = Buffer.alloc(0)

/** The write path of a store without a MemTable: values are sealed when they are handed in, and a write resolves when the backend has it. */
export class BackendWrites implements Writes {
  readonly #context: BackendWritesContext
  readonly #queue: WriteQueue

  constructor(context: BackendWritesContext) {
    this.#context = context
    this.#queue = new WriteQueue(context)
  }

  put(key: Buffer, value: Buffer, options: WriteOptions): Promise<void> {
    const sealing: Promise<void>[] = []
    const operation = this.#sealed({ type: 'put', key, value, options }, sealing)
    return this.#queue.write([operation], options.sync === true, sealing)
  }

  del(key: Buffer, options: WriteOptions): Promise<void> {
    return this.#queue.write([{ type: 'del', key: storedCopy(key) }], options.sync === true)
  }

  async batch(requests: readonly WriteRequest[], sync: boolean): Promise<void> {
    const sealing: Promise<void>[] = []
    const operations = requests.map(request => this.#sealed(request, sealing))
    return this.#queue.write(operations, sync, sealing)
  }

  async clear(options: EncodedClearOptions): Promise<void> {
    const { backend, marker, unsealer, cache, log } = this.#context
    const range = withOwnBounds(options) // The clear runs later, when the caller may have changed its buffers.
    this.#queue.touchRange(tombstoneOf(halfOpen(range))) // The whole range, whatever the limit is.
    cache?.beginClear()
    try {
      await this.#queue.barrier(async () => {
        const expiring = marker.ttlUsed ? unsealer : undefined
        if (log === undefined) await clearBackend(backend, range, expiring)
        else await clearLogged(backend, range, expiring, log)
      })
    } finally {
      cache?.endClear()
    }
  }

  async flush(): Promise<void> {
    const { log } = this.#context
    await this.#queue.drain()
    // With any other log the backend has everything on stable storage already: each of its batches has a marker, and is synced for that.
    if (log?.isDatabase === true) await log.syncWritten()
  }

  handedToLog(): Promise<void> {
    return this.#queue.drain()
  }

  async close(): Promise<boolean> {
    await this.#queue.drain()
    return true
  }

  get pending(): number {
    return this.#queue.pending
  }

  // ---- for sweeps

  async watch(): Promise<TouchedKeys> {
    const touched = this.#queue.watch()
    await this.#queue.drain() // Then the backend has what was accepted before.
    return touched
  }

  rewrite(operations: readonly BackendOperation[], touched: TouchedKeys): Promise<boolean[]> {
    const { backend, counters } = this.#context
    return this.#queue.barrier(() => rewriteUntouched(backend, operations, touched, counters))
  }

  deleteUntouched(keys: readonly Buffer[], touched: TouchedKeys): Promise<boolean[]> {
    const { backend, log } = this.#context
    return this.#queue.barrier(async () => {
      const deleted = touched.untouched(keys)
      const operations = keys.filter((_, i) => deleted[i]).map(key => ({ type: 'del', key }) as const)
      if (operations.length === 0) return deleted
      if (log === undefined) await writeToBackend(backend, operations, true)
      else await deleteLogged(backend, operations, log, false)
      return deleted
    })
  }

  saveMarker(): Promise<void> {
    const { backend, marker, log } = this.#context
    return this.#queue.barrier(() => (log === undefined ? marker.save(backend) : log.checkpoint.saveApplied()))
  }

  storeReserved(key: Buffer, value: Buffer): Promise<void> {
    const { backend, marker, log } = this.#context
    return this.#queue.barrier(async () => {
      if (log !== undefined) return log.storeReserved(key, value)
      await marker.save(backend)
      await writeToBackend(backend, [{ type: 'put', key, value }], true)
    })
  }

  /** @param sealing where the value is sealed off the main thread, gets a promise: when that resolves, the operation has its value */
  #sealed({ type, key, value, options }: WriteRequest, sealing: Promise<void>[]): BackendOperation {
    const ownKey = storedCopy(key)
    if (type === 'del') return { type, key: ownKey }
    const sealed = this.#context.sealer.seal(ownKey, value!, options)
    if (options.ttl !== undefined) this.#context.marker.useTtl()
    if (!isPromise(sealed)) return { type, key: ownKey, value: sealed }
    const operation = { type, key: ownKey, value: NOT_SEALED }
    const setting = sealed.then(envelope => {
      operation.value = envelope
    })
    setting.catch(() => {}) // It is never awaited if a later operation of the batch throws.
    sealing.push(setting)
    return operation
  }
}

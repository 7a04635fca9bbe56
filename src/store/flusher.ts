import { keyOfName } from '../memtable/key-name.js'
import { type Found, TOMBSTONE } from '../memtable/memtable.js'
import type { Frozen, FrozenClear, FrozenTable, Tables } from '../memtable/tables.js'
import { nextTurn, Turn } from '../wal/turn.js'
import type { AnyLevel } from './any-level.js'
import { type Operation, writeToBackend } from './backend-write.js'
import { deleteRange } from './clear.js'
import { MARKER_KEY } from './marker.js'
import type { Sealer } from './sealer.js'
import type { StoreLog } from './store-log.js'
import type { TableValue } from './table-value.js'

/** What one backend batch takes. */
const MAX_CHUNK_OPERATIONS = 1000
const MAX_CHUNK_BYTES = 1024 * 1024

export interface FlushReport {
  /** Keys, deleted ones included; 0 for a deleted range. */
  readonly entries: number
  readonly ms: number
}

export interface FlusherContext {
  readonly tables: Tables<TableValue>
  readonly backend: AnyLevel
  readonly log: StoreLog
  readonly sealer: Sealer
  /** Tables up to this weight are taken together. */
  readonly flushBytes: number
  /** How long to wait before a flush that failed is tried again. */
  readonly retryMs: number
  readonly onFlushed: (item: Frozen<TableValue>, report: FlushReport) => void
  readonly onFailed: (error: unknown) => void
  readonly onBackendCall: () => void
}

/**
 * Moves what is frozen into the backend, oldest first, one table or deleted range at a time: its log is put on stable storage, its values
 * are sealed, and it is written in synced chunks, sorted, of which the last tells the backend up to which record it has everything.
 *
 * Chunks without that number are harmless: replaying the log writes them again. But the log has to be there then, hence the sync before.
 */
export class Flusher {
  readonly #context: FlusherContext
  readonly #turn = new Turn()
  #step: Promise<void> | undefined
  #lane: Promise<unknown> = Promise.resolve()
  #pumping = false
  #retry: NodeJS.Timeout | undefined
  #stopped = false

  constructor(context: FlusherContext) {
    this.#context = context
  }

  /** Flushes what is frozen, in the background. A failure is told, and tried again later. */
  wake(): void {
    if (this.#pumping || this.#stopped || this.#retry !== undefined) return
    this.#pumping = true
    void this.#pump()
  }

  /**
   * Flushes everything that is in the tables now.
   *
   * @throws what the backend throws; nothing is lost then
   */
  async flush(): Promise<void> {
    const { tables } = this.#context
    const last = tables.freeze()
    while (tables.oldest !== undefined && tables.oldest.sequence <= last) await this.#flushOldest()
  }

  /** Runs `work` while nothing is on its way to the backend. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lane.then(work)
    this.#lane = turn.catch(() => {})
    return turn
  }

  /** Resolves when nothing is on its way any more; nothing is flushed from now on. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#retry)
    await this.#lane
  }

  async #pump(): Promise<void> {
    try {
      while (this.#context.tables.oldest !== undefined && !this.#stopped) await this.#flushOldest()
    } catch {
      // It has been told.
    } finally {
      this.#pumping = false
    }
  }

  /** One at a time; whoever comes meanwhile waits for the same. */
  #flushOldest(): Promise<void> {
    return (this.#step ??= this.exclusively(() => this.#flushItem()).finally(() => {
      this.#step = undefined
    }))
  }

  async #flushItem(): Promise<void> {
    const { tables, log, flushBytes, onFlushed, onFailed } = this.#context
    const item = tables.startFlush(flushBytes)
    if (item === undefined) return
    const start = performance.now()
    try {
      await log.syncWritten()
      if ('clear' in item) await this.#flushClear(item)
      else await this.#flushTable(item)
    } catch (error) {
      tables.endFlush(false)
      this.#retryLater()
      onFailed(error)
      throw error
    }
    tables.endFlush(true)
    log.afterBatch()
    onFlushed(item, { entries: 'table' in item ? item.table.size : 0, ms: performance.now() - start })
  }

  #retryLater(): void {
    clearTimeout(this.#retry)
    if (this.#stopped) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.wake()
    }, this.#context.retryMs).unref()
  }

  async #flushClear({ clear, sequence }: FrozenClear): Promise<void> {
    const { backend, log } = this.#context
    const { start, end } = clear
    const range = { gte: keyOfName(start), ...(end === undefined ? {} : { lt: keyOfName(end) }) }
    await deleteRange(backend, range, log.permanent)
    await log.checkpoint(sequence, async marker => {
      if (marker !== undefined) await this.#write([markerPut(marker)])
    })
  }

  /** A chunk is sealed while the one before is written. */
  async #flushTable({ table, sequence }: FrozenTable<TableValue>): Promise<void> {
    await table.prepareOrder(() => (this.#turn.isOver ? nextTurn() : undefined))
    const names = table.order()
    let writing: Promise<void> = Promise.resolve()
    for (let at = 0; at < names.length;) {
      const { operations, next } = await this.#sealChunk(names, at, name => table.find(name)!)
      at = next
      await writing
      writing = at < names.length ? this.#write(operations) : this.#writeLast(operations, sequence)
      writing.catch(() => {}) // It is awaited, but perhaps not before it fails.
    }
    await writing
  }

  async #sealChunk(
    names: readonly string[],
    from: number,
    find: (name: string) => Found<TableValue>
  ): Promise<{ operations: Operation[]; next: number }> {
    const operations: Operation[] = []
    const sealing: Promise<void>[] = []
    let next = from
    for (let bytes = 0; next < names.length && operations.length < MAX_CHUNK_OPERATIONS; next++) {
      const name = names[next]!
      const found = find(name)
      bytes += name.length + (found === TOMBSTONE ? 0 : found.length)
      if (bytes > MAX_CHUNK_BYTES && next > from) break
      const key = keyOfName(name)
      if (found === TOMBSTONE) {
        operations.push({ type: 'del', key })
        continue
      }
      const put: Operation & { type: 'put' } = { type: 'put', key, value: this.#context.sealer.sealTableValue(found) }
      operations.push(put)
      if (put.value instanceof Promise) {
        const sealed = put.value.then(envelope => void (put.value = envelope))
        sealed.catch(() => {}) // It is awaited, but perhaps not before it fails.
        sealing.push(sealed)
      }
      if (this.#turn.isOver) await nextTurn()
    }
    await Promise.all(sealing)
    return { operations, next }
  }

  #writeLast(operations: Operation[], sequence: number): Promise<void> {
    return this.#context.log.checkpoint(sequence, marker =>
      this.#write(marker === undefined ? operations : [...operations, markerPut(marker)])
    )
  }

  #write(operations: readonly Operation[]): Promise<void> {
    this.#context.onBackendCall()
    return writeToBackend(this.#context.backend, operations, true)
  }
}

function markerPut(marker: Buffer): Operation {
  return { type: 'put', key: MARKER_KEY, value: marker }
}

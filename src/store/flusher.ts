import { keyOfName } from '../memtable/key-name.js'
import { TOMBSTONE } from '../memtable/memtable.js'
import { Overlay } from '../memtable/overlay.js'
import type { Frozen, FrozenClear, Tables } from '../memtable/tables.js'
import { nextTurn, Turn } from '../wal/turn.js'
import type { AnyLevel } from './any-level.js'
import { type Operation, writeToBackend } from './backend-write.js'
import { deleteRange } from './clear.js'
import { MARKER_KEY } from './marker.js'
import type { Sealer } from './sealer.js'
import type { StoreLog } from './store-log.js'
import type { TableValue } from './table-value.js'

/** What one backend batch takes: in memory it is carried out at once, on the calling thread. */
const MAX_CHUNK_OPERATIONS = 1000
const MAX_CHUNK_BYTES = 1024 * 1024
/**
 * In LevelDB a table goes in one batch: one fsync instead of sixteen, and one sorted file in place of four, which is less to compact.
 * 100 MiB of 1 KiB records in random order took three quarters of the time.
 */
const MAX_LEVELDB_CHUNK_BYTES = 32 * 1024 * 1024

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
  readonly overLevelDb: boolean
  /** Tables up to this weight are taken together. */
  readonly flushBytes: number
  /** How long to wait before a flush that failed is tried again. */
  readonly retryMs: number
  /** @param weight of what the backend has now */
  readonly onFlushed: (weight: number, report: FlushReport) => void
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
    // Somebody may wait for it, whose promise alone keeps no process alive.
    this.#retry?.ref()
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
    // By its first record: what is newer may have been merged into it.
    while (tables.oldest !== undefined && tables.oldest.firstSequence <= last) await this.#flushOldest()
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
    return (this.#step ??= this.exclusively(() => this.#flushNext()).finally(() => {
      this.#step = undefined
    }))
  }

  async #flushNext(): Promise<void> {
    const { tables, log, flushBytes, onFlushed, onFailed } = this.#context
    const items = tables.startFlush(flushBytes)
    const [first] = items
    if (first === undefined) return
    const start = performance.now()
    let entries = 0
    try {
      await log.syncWritten()
      if ('clear' in first) await this.#flushClear(first)
      else entries = await this.#flushTables(items)
    } catch (error) {
      tables.endFlush(false)
      this.#retryLater()
      onFailed(error)
      throw error
    }
    tables.endFlush(true)
    clearTimeout(this.#retry)
    this.#retry = undefined
    log.afterBatch()
    const weight = items.reduce((sum, item) => sum + item.weight, 0)
    onFlushed(weight, { entries, ms: performance.now() - start })
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

  /**
   * A chunk is sealed while the one before is written.
   *
   * @returns how many keys there were
   */
  async #flushTables(items: readonly Frozen<TableValue>[]): Promise<number> {
    const entries = new Overlay(items, {}, false)
    await entries.prepare(() => (this.#turn.isOver ? nextTurn() : undefined))
    let count = 0
    let writing: Promise<void> = Promise.resolve()
    try {
      while (entries.head !== undefined) {
        const operations = await this.#sealChunk(entries)
        count += operations.length
        await writing
        const isLast = entries.head === undefined
        writing = isLast ? this.#writeLast(operations, items.at(-1)!.sequence) : this.#write(operations)
        writing.catch(() => {}) // It is awaited, but perhaps not before it fails.
      }
    } finally {
      await writing
    }
    return count
  }

  async #sealChunk(entries: Overlay<TableValue>): Promise<Operation[]> {
    const { overLevelDb } = this.#context
    const maxOperations = overLevelDb ? Infinity : MAX_CHUNK_OPERATIONS
    const maxBytes = overLevelDb ? MAX_LEVELDB_CHUNK_BYTES : MAX_CHUNK_BYTES
    const operations: Operation[] = []
    const sealing: Promise<void>[] = []
    let bytes = 0
    for (let { head } = entries; head !== undefined && operations.length < maxOperations; head = entries.head) {
      const { name, found } = head
      bytes += name.length + (found === TOMBSTONE ? 0 : found.length)
      if (bytes > maxBytes && operations.length > 0) break
      entries.advance()
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
    return operations
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

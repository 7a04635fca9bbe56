import type { AbstractChainedBatch } from 'abstract-level'
import { storedMemory } from '../../envelope/stored-memory.js'
import { isPromise } from '../../is-promise.js'
import { TOMBSTONE } from '../../memtable/memtable.js'
import { Overlay } from '../../memtable/overlay.js'
import { type Frozen, weightOfTables } from '../../memtable/tables.js'
import { BACKGROUND_TURN_MS, nextTurn, Turn } from '../../turn.js'
import type { AnyLevel } from '../backend/any-level.js'
import { AS_BYTES, KEY_AS_BYTES } from '../backend/as-bytes.js'
import type { TableValue } from '../table-value.js'
import type { Sealer } from './sealer.js'

/** The most that one batch of the backend takes: a backend in memory writes a batch in one go, on the calling thread. */
const MAX_CHUNK_OPERATIONS = 1000
const MAX_CHUNK_BYTES = 1024 * 1024
/**
 * In LevelDB a table goes in one batch: one fsync instead of sixteen, and one sorted file in place of four, which is less to compact.
 * 100 MiB of 1 KiB records in random order take three quarters of the time.
 */
const MAX_LEVELDB_CHUNK_BYTES = 32 * 1024 * 1024

/** A batch of the backend that holds one chunk, sealed. */
export type Chunk = AbstractChainedBatch<AnyLevel, Buffer, Buffer>

interface FlushChunksContext {
  readonly backend: AnyLevel
  readonly sealer: Sealer
  readonly overLevelDb: boolean
}

/**
 * Cuts the entries of tables that are flushed together into chunks, in the order of keys, without those that a deleted range between the tables hides.
 * Each chunk is sealed straight into a batch; the first is begun at once.
 */
export class FlushChunks {
  readonly #context: FlushChunksContext
  readonly #turn = new Turn(BACKGROUND_TURN_MS)
  /** The tables and deleted ranges. */
  readonly items: readonly Frozen<TableValue>[]
  readonly #entries: Overlay<TableValue>
  #ahead: Promise<Chunk> | undefined
  #count = 0

  constructor(items: readonly Frozen<TableValue>[], context: FlushChunksContext) {
    this.#context = context
    this.items = items
    this.#entries = new Overlay(items)
    this.#ahead = this.#first()
    this.#ahead.catch(() => {}) // It is awaited, but perhaps not before it fails.
  }

  /** The next chunk; {@link isLast} says whether another follows. */
  next(): Promise<Chunk> {
    const ahead = this.#ahead
    this.#ahead = undefined
    return ahead ?? this.#seal()
  }

  /** Whether everything is in the chunks that {@link next} has given. */
  get isLast(): boolean {
    return this.#entries.head === undefined
  }

  /** Keys in the chunks so far, deleted ones included. */
  get count(): number {
    return this.#count
  }

  /** Drops what is sealed and will not be written. */
  discard(): void {
    void this.#ahead?.then(chunk => chunk.close()).catch(() => {})
  }

  async #first(): Promise<Chunk> {
    await this.#prepare(this.#entries)
    await this.#prepareDictionary()
    return this.#seal()
  }

  #prepare(entries: Overlay<TableValue>): Promise<void> {
    return entries.prepare(() => (this.#turn.isOver ? nextTurn() : undefined))
  }

  /** Lets a dictionary be made from the values, before any of them is sealed. */
  async #prepareDictionary(): Promise<void> {
    await this.#context.sealer.dictionarySource?.prepare(weightOfTables(this.items), async () => {
      const entries = new Overlay(this.items)
      await this.#prepare(entries)
      return entries
    })
  }

  /** Seals straight into a batch: a list of all envelopes beside it would take as much memory again. */
  async #seal(): Promise<Chunk> {
    const { backend } = this.#context
    const chunk: Chunk = backend.batch()
    try {
      await this.#fill(chunk)
    } catch (error) {
      await chunk.close()
      throw error
    }
    return chunk
  }

  async #fill(chunk: Chunk): Promise<void> {
    const { sealer, overLevelDb } = this.#context
    const maxOperations = overLevelDb ? Infinity : MAX_CHUNK_OPERATIONS
    const maxBytes = overLevelDb ? MAX_LEVELDB_CHUNK_BYTES : MAX_CHUNK_BYTES
    const entries = this.#entries
    const sealing: Promise<void>[] = []
    let operations = 0
    let bytes = 0
    for (let { head } = entries; head !== undefined && operations < maxOperations; head = entries.head) {
      const { name, found } = head
      bytes += name.length + (found === TOMBSTONE ? 0 : found.length)
      if (bytes > maxBytes && operations > 0) break
      entries.advance()
      operations++
      const key = storedMemory(name.length)
      key.write(name, 'latin1')
      const value = found === TOMBSTONE ? undefined : sealer.sealTableValue(key, found)
      if (value === undefined) chunk.del(key, KEY_AS_BYTES)
      else if (isPromise(value)) {
        const sealed = value.then(envelope => void chunk.put(key, envelope, AS_BYTES))
        sealed.catch(() => {}) // It is awaited, but perhaps not before it fails.
        sealing.push(sealed)
      } else chunk.put(key, value, AS_BYTES)
      if (this.#turn.isOver) await nextTurn()
    }
    this.#count += operations
    await Promise.all(sealing)
  }
}

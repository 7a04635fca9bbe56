import type { Codec } from 'compressed-kv'
import { asErrorOfCall, isRefusal } from '../errors.js'
import { KeyedLock } from '../keyed-lock.js'
import { ENCODINGS, type Operation, type TensorBackingStore } from './backing-store.js'
import { type Entry, EntryIndex } from './entry-index.js'
import { type EntryRecord, mostStoredBytes, overheadBytes, settledBytes } from './entry-record.js'
import { tooLarge } from './errors.js'
import type { EntryId, EntryKeys } from './keys.js'
import { recordPut, RecordWriter } from './record-writer.js'
import { Room } from './room.js'
import { readRecords } from './stored-records.js'
import type { Facts, Storing, WriteSettings } from './storing.js'
import { UseOrder } from './use-order.js'
import { isReadAtOnce, readValues } from './value-reads.js'

/** The entries of all models in one database or sublevel, their order of use, and the room they take. */
export class TensorSpace {
  readonly #db: TensorBackingStore
  readonly #keys: EntryKeys
  readonly #index = new EntryIndex()
  readonly #locks = new KeyedLock()
  readonly #records: RecordWriter
  /** When entries were used. */
  readonly order: UseOrder
  readonly room: Room
  /** How often each namespace was cleared: the put of a sequence ends early if that changes. */
  readonly clears = new Map<string, number>()
  /** Entries that clear() is about to delete. They are no hits any more. */
  readonly #clearing = new Set<EntryId>()
  #loading: Promise<void> | undefined

  constructor(db: TensorBackingStore, keys: EntryKeys, maxBytes: number) {
    this.#db = db
    this.#keys = keys
    this.#records = new RecordWriter(db, keys, this.#index)
    this.order = new UseOrder(this.#index, this.#records)
    this.room = new Room(maxBytes, this.#index, entries => this.#remove(entries))
  }

  get size(): number {
    return this.#index.size
  }

  /** The first call reads the index. If that fails, the next one reads it again. */
  ready(): Promise<void> {
    return (this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined
      throw asErrorOfCall(error)
    }))
  }

  /** @returns undefined for an entry that is not stored, or only in part */
  find(id: EntryId): Entry | undefined {
    const entry = this.#index.get(id)
    return entry === undefined || entry.doomed || this.#clearing.has(id) ? undefined : entry
  }

  /** The values of an entry; undefined if any of them is gone. */
  async read(entry: Entry): Promise<Uint8Array[] | undefined> {
    return (await this.readLeading([entry]))[0]
  }

  /** The values of entries, up to the first entry that lacks any; reads ahead. */
  async readLeading(entries: readonly Entry[]): Promise<Uint8Array[][]> {
    const wanted = entries.map(({ id, record }) => ({
      keys: this.#keys.data(id, record.values),
      valueBytes: record.bytes / record.values
    }))
    const found = await readValues(this.#db, wanted, async (i, error) => {
      // Damage is reported once. If the entry stayed, every prefix that it is in would fail for good, since what is there is not put again.
      if ((error as { code?: unknown }).code === 'LEVEL_CORRUPTION') await this.drop(entries[i]!)
    })
    // An entry that was evicted between two calls may have been put again: some of its values would be of another put.
    const incomplete = found.findIndex(
      (values, i) => values.includes(undefined) || !(isReadAtOnce(wanted[i]!) || this.#index.isSettled(entries[i]!))
    )
    if (incomplete < 0) return found as Uint8Array[][]
    // The entry was evicted meanwhile, or something else deleted a part of it. The rest is useless, and a miss even if it cannot be deleted.
    await this.drop(entries[incomplete]!)
    return found.slice(0, incomplete) as Uint8Array[][]
  }

  /** Deletes an entry that cannot be read, if it can be deleted, unless it was replaced meanwhile. */
  async drop(entry: Entry): Promise<void> {
    if (this.#index.isSettled(entry)) await this.room.delete([entry]).catch(() => {})
  }

  /** An entry and its values of one moment, even if it is replaced meanwhile; undefined if any value is gone. */
  async readCurrent(id: EntryId): Promise<{ entry: Entry; values: Uint8Array[] } | undefined> {
    for (;;) {
      const entry = this.find(id)
      const values = entry && (await this.read(entry))
      if (values === undefined) return undefined
      if (this.#index.isSettled(entry!)) return { entry: entry!, values }
      await this.#locks.run(id, async () => {})
    }
  }

  /**
   * Stores values under an id, all or none, in place of those that it has.
   *
   * @param keep whether an entry that is stored already stays as it is
   * @param spared entries that are not evicted for it
   * @param next the entry that counts as used just after it; without one it becomes the most recently used
   * @returns whether it is stored: false if entries that are pinned, or being replaced, leave too little room
   * @throws CKV_VALUE_TOO_LARGE if it would not fit into an empty cache; what the store throws
   */
  write(
    id: EntryId,
    facts: Facts,
    values: readonly Buffer[],
    codec: Codec,
    { keep = false, spared = new Set(), next }: WriteSettings = {}
  ): Promise<boolean> {
    return this.#locks.run(id, async () => {
      // If the entry is being evicted and that fails, it is there after all, and takes its room.
      while (this.room.deletions.has(id)) await this.room.deletions.get(id)!.catch(() => {})
      if (keep && this.find(id) !== undefined) return true
      const record: EntryRecord = { ...facts, bytes: 0, used: this.order.timeBefore(next), values: values.length }
      const overhead = overheadBytes(this.#keys, id, record)
      const most = values.reduce((sum, { length }) => sum + mostStoredBytes(length), overhead)
      if (most > this.room.maxBytes) throw tooLarge(most, this.room.maxBytes)
      return this.#replacing(id, async old => {
        const room = Math.max(0, most - (old?.record.bytes ?? 0))
        const storing = { id, record: { ...record, bytes: most }, values, codec, overhead, room, next }
        return this.room.with(room, () => this.#store(storing), spared)
      })
    })
  }

  /** @returns whether it was stored */
  delete(id: EntryId): Promise<boolean> {
    return this.#locks.run(id, () => this.#delete(id))
  }

  async #delete(id: EntryId): Promise<boolean> {
    // If the entry is being evicted, that may fail, and it comes back. If it is not, nothing is awaited, since its eviction could begin meanwhile.
    while (this.room.deletions.has(id)) await this.room.deletions.get(id)!.catch(() => {})
    const found = this.find(id) !== undefined
    const entry = this.#index.get(id)
    if (entry !== undefined) await this.room.delete([entry])
    return found
  }

  /** Deletes everything of a namespace, pinned or not, also what is being written into it when this is called. What is written later stays. */
  async clear(namespace: string): Promise<void> {
    this.clears.set(namespace, (this.clears.get(namespace) ?? 0) + 1)
    const stored = [...this.#index.values()].map(({ id }) => id)
    const all = new Set([...stored, ...this.room.deletions.keys(), ...this.#locks.keys()])
    const ids = [...all].filter(id => id.startsWith(`${namespace}:`))
    for (const id of ids) this.#clearing.add(id)
    const oneByOne = new KeyedLock() // There may be millions.
    // Each deletion gets its place in the queue of its id now, before writes that are called later.
    await Promise.all(ids.map(id => this.#locks.run(id, () => oneByOne.run('', () => this.#clear(id)))))
  }

  async #clear(id: EntryId): Promise<void> {
    try {
      await this.#delete(id)
    } finally {
      this.#clearing.delete(id)
    }
  }

  /** Writes what is only in memory: when entries were used, and their exact sizes. */
  flush(): Promise<void> {
    return this.#records.flush()
  }

  /** Call when the store is closed: ends the timer that writes records. */
  stop(): void {
    this.#records.stop()
  }

  async #load(): Promise<void> {
    const { records, unreadable } = await readRecords(this.#db, this.#keys)
    for (const id of unreadable) await this.#discard(id).catch(unlessReadOnly)
    const found = [...records].sort(([, a], [, b]) => a.used - b.used)
    for (const [id, record] of found) {
      this.order.load({ id, record, pins: 0, doomed: false })
      this.room.occupy(record.bytes)
    }
    // If maxBytes was lowered, there may be too much. What cannot be evicted now, as in a read-only store, is evicted for the next write.
    await this.room.with(0, async () => {}).catch(() => {})
  }

  /** Deletes an entry whose record in the index cannot be read. Its tensors can be computed again. */
  async #discard(id: EntryId): Promise<void> {
    await this.#db.clear({ keyEncoding: 'utf8', ...this.#keys.dataRange(id) })
    await this.#db.batch([this.#recordDel(id)], ENCODINGS.text)
  }

  /** Keeps the current entry, even one whose deletion fails meanwhile, from being evicted while another is written in its place. */
  async #replacing(id: EntryId, work: (old: Entry | undefined) => Promise<boolean>): Promise<boolean> {
    this.#index.writing.add(id)
    try {
      return await work(this.#index.get(id))
    } finally {
      this.#index.writing.delete(id)
    }
  }

  async #store({ id, record, values, codec, overhead, room, next }: Storing): Promise<void> {
    let stored = 0
    const onStored = (bytes: number) => void (stored += bytes)
    const puts = this.#keys.data(id, values.length).map((key, i): Operation => ({
      type: 'put',
      key,
      value: values[i],
      codec,
      onStored,
      ...ENCODINGS.bytes
    }))
    try {
      await this.#db.batch([...puts, recordPut(this.#keys, { id, record })], ENCODINGS.text)
    } catch (error) {
      if (isRefusal(error)) this.room.giveBack(room)
      else this.#settle(id, { ...record, bytes: room + this.#bytesOf(id) }, room, next, true)
      throw error
    }
    const bytes = settledBytes(overhead, stored, values.length)
    this.#settle(id, { ...record, bytes }, room, next, false)
  }

  /** Records what is stored under an id now. */
  #settle(id: EntryId, record: EntryRecord, room: number, next: Entry | undefined, doomed: boolean): void {
    this.#index.writing.delete(id) // From now on a call that waits for room may evict it.
    this.room.giveBack(room + this.#bytesOf(id) - record.bytes)
    this.order.add({ id, record, pins: 0, doomed }, next) // This also has its exact size written.
  }

  #bytesOf(id: EntryId): number {
    return this.#index.get(id)?.record.bytes ?? 0
  }

  async #remove(entries: readonly Entry[]): Promise<void> {
    this.order.forget(entries)
    const operations = entries.flatMap(({ id, record }) => [
      this.#recordDel(id),
      ...this.#keys.data(id, record.values).map((key): Operation => ({ type: 'del', key, keyEncoding: 'utf8' }))
    ])
    await this.#db.batch(operations, ENCODINGS.text)
  }

  #recordDel(id: EntryId): Operation {
    return { type: 'del', key: this.#keys.index(id), keyEncoding: 'utf8' }
  }
}

/** Throws the error unless the store has refused to write, as one that is read-only does: that stays as it is. */
function unlessReadOnly(error: unknown): void {
  if (!isRefusal(error)) throw error
}

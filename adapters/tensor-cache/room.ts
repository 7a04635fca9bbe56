import { isRefusal } from '../errors.js'
import { KeyedLock } from '../keyed-lock.js'
import type { Entry, EntryIndex } from './entry-index.js'
import type { EntryId } from './keys.js'

/** Keeps everything that is stored within `maxBytes` at every moment: room is taken before something is written, and given back when it is deleted. */
export class Room {
  readonly maxBytes: number
  readonly #index: EntryIndex
  readonly #remove: (entries: readonly Entry[]) => Promise<void>
  /** Bytes of what is stored, being written and being deleted. */
  #taken = 0
  /** How many of these bytes are being deleted. */
  #leaving = 0
  /** Writes and deletions, each of which may free room when it ends. */
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #turns = new KeyedLock()
  readonly #deletions = new Map<EntryId, Promise<void>>()
  evictions = 0

  /** @param remove deletes entries from the store */
  constructor(maxBytes: number, index: EntryIndex, remove: (entries: readonly Entry[]) => Promise<void>) {
    this.maxBytes = maxBytes
    this.#index = index
    this.#remove = remove
  }

  get taken(): number {
    return this.#taken
  }

  /** Entries that are being deleted. If the store refuses, the entry is in the index again when this has settled. */
  get deletions(): ReadonlyMap<EntryId, Promise<void>> {
    return this.#deletions
  }

  /** Counts bytes that are stored already, even above `maxBytes`. */
  occupy(bytes: number): void {
    this.#taken += bytes
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes
  }

  /**
   * Takes room, for which it evicts the least recently used entries if needed, and then runs `work`.
   *
   * @param work gives back the room that it does not need
   * @param spared entries that are not evicted
   * @returns false if too little could be evicted, so that `work` was not run
   * @throws what the store throws when entries are deleted, and what `work` throws
   */
  async with(bytes: number, work: () => Promise<void>, spared: ReadonlySet<EntryId> = new Set()): Promise<boolean> {
    // One call at a time looks for room. If all that wait looked again whenever something ends, a thousand of them would do so a thousand times.
    const inTurn = () => this.#turns.run('', () => this.#begin(bytes, work, spared))
    let begun = await inTurn()
    // Calls that waited behind this one kept the entries that they replace from being evicted. When it is this one's turn again, they have begun.
    if (begun === undefined && this.#index.writing.size > 1) begun = await inTurn()
    await begun?.ended
    return begun !== undefined
  }

  /** Makes room and begins `work`; undefined if no room can be made. */
  async #begin(
    bytes: number,
    work: () => Promise<void>,
    spared: ReadonlySet<EntryId>
  ): Promise<{ readonly ended: Promise<void> } | undefined> {
    for (;;) {
      if (this.#taken + bytes <= this.maxBytes) {
        this.#taken += bytes
        return { ended: this.#during(work) }
      }
      const missing = this.#taken - this.#leaving + bytes - this.maxBytes
      const victims = missing > 0 ? this.#index.victims(missing, spared) : []
      if (victims.length > 0) {
        await this.delete(victims)
        this.evictions += victims.length
      }
      // What is being written may need less than its room, or can be evicted afterwards.
      else if (this.#underWay.size > 0) await Promise.race(this.#underWay).catch(() => {})
      else return undefined
    }
  }

  /**
   * Deletes entries. If the store refuses, they stay as they were. After any other error it is unknown what is left of them: they are doomed, so that
   * they take room but are not found, until they are deleted.
   *
   * @throws what the store throws
   */
  delete(entries: readonly Entry[]): Promise<void> {
    const bytes = entries.reduce((sum, { record }) => sum + record.bytes, 0)
    for (const entry of entries) this.#index.delete(entry)
    this.#leaving += bytes
    const deletion = this.#during(async () => {
      try {
        await this.#remove(entries)
        this.#taken -= bytes
      } catch (error) {
        this.#restore(entries, !isRefusal(error))
        throw error
      } finally {
        this.#leaving -= bytes
        for (const { id } of entries) if (this.#deletions.get(id) === deletion) this.#deletions.delete(id)
      }
    })
    for (const { id } of entries) this.#deletions.set(id, deletion)
    return deletion
  }

  /** Runs work that may free room: when it has ended, the call that waits for room looks again. */
  #during<T>(work: () => Promise<T>): Promise<T> {
    // finally() removes it from the set before waiters look again.
    const running: Promise<T> = work().finally(() => this.#underWay.delete(running))
    this.#underWay.add(running)
    return running
  }

  /** Puts entries back. Nothing has taken their places meanwhile: whoever writes an entry waits for its deletion first. */
  #restore(entries: readonly Entry[], doomed: boolean): void {
    for (const entry of entries) entry.doomed ||= doomed
    this.#index.addOldest(entries)
  }
}

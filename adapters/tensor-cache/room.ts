import type { Entry, EntryIndex } from './entry-index.js'
import { isRefusal } from '../refusals.js'
import type { EntryId } from './keys.js'

/**
 * Keeps what is stored within `maxBytes`, at every moment: room is taken before something is written, and given back when it is deleted.
 */
export class Room {
  readonly maxBytes: number
  readonly #index: EntryIndex
  readonly #remove: (entries: readonly Entry[]) => Promise<void>
  /** By what is stored, being written and being deleted. */
  #taken = 0
  /** Of it, by what is being deleted. */
  #leaving = 0
  readonly #underWay = new Set<Promise<unknown>>()
  evictions = 0

  /** @param remove deletes what is stored of entries */
  constructor(maxBytes: number, index: EntryIndex, remove: (entries: readonly Entry[]) => Promise<void>) {
    this.maxBytes = maxBytes
    this.#index = index
    this.#remove = remove
  }

  get taken(): number {
    return this.#taken
  }

  /** Of what is there already, be there room or not. */
  occupy(bytes: number): void {
    this.#taken += bytes
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes
  }

  /**
   * Takes room, for which it evicts what was used least recently, and does something with it.
   *
   * @param work gives back what it does not need
   * @param spared is not evicted
   * @returns whether there was enough that could be evicted
   * @throws what the store throws when something is deleted, and what `work` throws
   */
  async with(bytes: number, work: () => Promise<void>, spared: ReadonlySet<EntryId> = new Set()): Promise<boolean> {
    for (;;) {
      if (this.#taken + bytes <= this.maxBytes) {
        this.#taken += bytes
        await this.#during(work)
        return true
      }
      const missing = this.#taken - this.#leaving + bytes - this.maxBytes
      const victims = missing > 0 ? this.#index.victims(missing, spared) : []
      if (victims.length > 0) {
        this.evictions += victims.length
        await this.delete(victims)
      }
      // What is being written may take less than it could, or be evicted when it is there.
      else if (this.#underWay.size > 0) await Promise.race(this.#underWay).catch(() => {})
      else return false
    }
  }

  /**
   * Deletes entries. If the store refuses, they are as before. If it fails they are doomed: what is there is unknown, so that they take room
   * and are no hits, until it is tried again.
   *
   * @throws what the store throws
   */
  delete(entries: readonly Entry[]): Promise<void> {
    const bytes = entries.reduce((sum, { record }) => sum + record.bytes, 0)
    for (const entry of entries) this.#index.delete(entry)
    this.#leaving += bytes
    return this.#during(async () => {
      try {
        await this.#remove(entries)
        this.#taken -= bytes
      } catch (error) {
        this.#restore(entries, !isRefusal(error))
        throw error
      } finally {
        this.#leaving -= bytes
      }
    })
  }

  /** Whoever waits for room waits for this as well. */
  #during<T>(work: () => Promise<T>): Promise<T> {
    // Whoever waits looks again when it is no longer in the set, and its room is settled.
    const running: Promise<T> = work().finally(() => this.#underWay.delete(running))
    this.#underWay.add(running)
    return running
  }

  #restore(entries: readonly Entry[], doomed: boolean): void {
    const [kept, overwritten] = [[], []] as [Entry[], Entry[]]
    for (const entry of entries) (this.#index.get(entry.id) === undefined ? kept : overwritten).push(entry)
    for (const { record } of overwritten) this.giveBack(record.bytes)
    for (const entry of kept) entry.doomed ||= doomed
    this.#index.addOldest(kept)
  }
}

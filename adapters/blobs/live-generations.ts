import { type Generation, nameOf } from './keys.js'

/** Generations that must not be deleted yet, even if no manifest names them. They are kept in memory, since only one process has the store open. */
export class LiveGenerations {
  readonly #writing = new Set<string>()
  readonly #readers = new Map<string, number>()
  readonly #unread = new Map<string, () => void>()

  isLive(generation: Generation): boolean {
    const name = nameOf(generation)
    return this.#writing.has(name) || this.#readers.has(name)
  }

  beginWriting(generation: Generation): void {
    this.#writing.add(nameOf(generation))
  }

  endWriting(generation: Generation): void {
    this.#writing.delete(nameOf(generation))
  }

  beginReading(generation: Generation): void {
    const name = nameOf(generation)
    this.#readers.set(name, (this.#readers.get(name) ?? 0) + 1)
  }

  endReading(generation: Generation): void {
    const name = nameOf(generation)
    const readers = this.#readers.get(name)! - 1
    if (readers > 0) return void this.#readers.set(name, readers)
    this.#readers.delete(name)
    const act = this.#unread.get(name)
    this.#unread.delete(name)
    act?.()
  }

  /** Calls `act` when the last current reader has ended. @returns whether there is any */
  whenUnread(generation: Generation, act: () => void): boolean {
    const name = nameOf(generation)
    if (!this.#readers.has(name)) return false
    this.#unread.set(name, act)
    return true
  }
}

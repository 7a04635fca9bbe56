/**
 * A queue: first in, first out. What was taken is removed now and then: to remove it each time would take seven seconds with a million items.
 */
export class Fifo<T> {
  #items: T[] = []
  /** How many of `#items` are taken already. */
  #taken = 0

  get length(): number {
    return this.#items.length - this.#taken
  }

  /** The item that is taken next. */
  get first(): T | undefined {
    return this.#items[this.#taken]
  }

  /** All items, in order. */
  items(): T[] {
    return this.#items.slice(this.#taken)
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Takes {@link first}, which must exist. */
  shift(): T {
    const item = this.#items[this.#taken++]!
    this.#removeTaken()
    return item
  }

  /** Takes the first items, at most as many as given. */
  take(most: number): T[] {
    const taken = this.#items.slice(this.#taken, this.#taken + most)
    this.#taken += taken.length
    this.#removeTaken()
    return taken
  }

  #removeTaken(): void {
    if (this.#taken < this.length) return
    this.#items = this.items()
    this.#taken = 0
  }
}

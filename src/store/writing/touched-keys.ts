import { covers, type RangeTombstone } from '../../memtable/range-tombstone.js'

/** Remembers which keys were written to from a moment on. */
export class TouchedKeys {
  readonly #names = new Set<string>()
  readonly #clears: RangeTombstone[] = []
  readonly #before: (name: string) => boolean

  /** @param before whether a key counts as touched from the beginning */
  constructor(before: (name: string) => boolean = () => false) {
    this.#before = before
  }

  add(name: string): void {
    this.#names.add(name)
  }

  addRange(range: RangeTombstone): void {
    this.#clears.push(range)
  }

  has(name: string): boolean {
    return this.#names.has(name) || this.#clears.some(clear => covers(clear, name)) || this.#before(name)
  }
}

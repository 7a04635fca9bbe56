import { keyName } from '../../memtable/key-name.js'
import { covers, type RangeTombstone } from '../../memtable/range-tombstone.js'

/** Remembers which keys were written to from a moment on. */
export class TouchedKeys {
  readonly #names = new Set<string>()
  readonly #clears: RangeTombstone[] = []
  readonly #isInitiallyTouched: (name: string) => boolean

  /** @param isInitiallyTouched whether a key counts as written to from the beginning */
  constructor(isInitiallyTouched: (name: string) => boolean = () => false) {
    this.#isInitiallyTouched = isInitiallyTouched
  }

  add(name: string): void {
    this.#names.add(name)
  }

  addRange(range: RangeTombstone): void {
    this.#clears.push(range)
  }

  /** For each key whether it was not written to. */
  untouched(keys: readonly Buffer[]): boolean[] {
    return keys.map(key => !this.#has(keyName(key)))
  }

  #has(name: string): boolean {
    return this.#names.has(name) || this.#clears.some(clear => covers(clear, name)) || this.#isInitiallyTouched(name)
  }
}

import { keyName } from '../../memtable/key-name.js'
import { covers, type RangeTombstone } from '../../memtable/range-tombstone.js'

/** Remembers which keys were written to from a moment on. */
export class TouchedKeys {
  readonly #names = new Set<string>()
  readonly #clears: RangeTombstone[] = []
  readonly #isInitiallyTouched: (name: string) => boolean

  /** @param isInitiallyTouched whether a key counts as written to at that moment already */
  constructor(isInitiallyTouched: (name: string) => boolean = () => false) {
    this.#isInitiallyTouched = isInitiallyTouched
  }

  add(name: string): void {
    this.#names.add(name)
  }

  addRange(range: RangeTombstone): void {
    this.#clears.push(range)
  }

  /** Of each key whether nobody wrote to it. */
  untouched(keys: readonly Buffer[]): boolean[] {
    return keys.map(key => !this.#has(keyName(key)))
  }

  #has(name: string): boolean {
    return this.#names.has(name) || this.#clears.some(clear => covers(clear, name)) || this.#isInitiallyTouched(name)
  }
}

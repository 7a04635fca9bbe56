import { keyName } from '../../memtable/key-name.js'
import { covers, type RangeTombstone } from '../../memtable/range-tombstone.js'

/** Remembers which keys are written to, until {@link end}. */
export class TouchedKeys {
  readonly #watches: Set<TouchedKeys>
  readonly #names = new Set<string>()
  readonly #clears: RangeTombstone[] = []
  readonly #isInitiallyTouched: (name: string) => boolean

  /**
   * @param watches those to which every write is told
   * @param isInitiallyTouched whether a key counts as written to from the beginning
   */
  constructor(watches: Set<TouchedKeys>, isInitiallyTouched: (name: string) => boolean = () => false) {
    watches.add(this)
    this.#watches = watches
    this.#isInitiallyTouched = isInitiallyTouched
  }

  end(): void {
    this.#watches.delete(this)
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

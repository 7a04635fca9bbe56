import type { Opened } from '../../envelope/open.js'
import type { SmallValues } from './small-values.js'

/**
 * Finds the dictionaries that no value needs any more, in a sweep over every value. Only those not in use when the sweep began: what is
 * written during it needs none of them. The last one made stays, so that its id is not given twice.
 */
export class UnneededDictionaries {
  readonly #small: SmallValues
  readonly #ids: Set<number>
  #begun = false

  /** Call before the sweep waits for the writes accepted so far: those may need the dictionary now in use. */
  constructor(small: SmallValues) {
    this.#small = small
    this.#ids = new Set(small.dictionaries.ids.filter(id => id !== small.current?.id))
  }

  /** @param after the key after which a chunk begins: a sweep that was resumed has not seen every value */
  enter(after: Buffer | undefined): void {
    if (!this.#begun && after !== undefined) this.#ids.clear()
    this.#begun = true
  }

  /** A value stays as it is. One that cannot be read may need any of them. */
  stays(opened: Opened | undefined): void {
    if (opened === undefined) this.#ids.clear()
    else if (opened.dictionary !== undefined) this.#ids.delete(opened.dictionary)
  }

  /** Those that nothing needs, when the sweep is over. */
  ids(): number[] {
    const { dictionaries, current } = this.#small
    const last = Math.max(0, ...dictionaries.ids)
    return [...this.#ids].filter(id => id !== last && id !== current?.id)
  }
}

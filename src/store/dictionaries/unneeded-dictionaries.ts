import type { Opened } from '../../envelope/open.js'
import { dictionaryKey } from './dictionary-record.js'
import type { SmallValues } from './small-values.js'

/**
 * Finds out, in a sweep that goes through every value, which dictionaries no value needs any more. Only those that were no longer used when
 * the sweep began: what is written meanwhile needs none of them. The last that was made stays, so that its id is not given twice.
 */
export class UnneededDictionaries {
  readonly #small: SmallValues
  readonly #ids: Set<number>
  #begun = false

  /** Before the sweep waits for the writes that were accepted so far: those may need the one that is used now. */
  constructor(small: SmallValues) {
    this.#small = small
    this.#ids = new Set(small.dictionaries.ids.filter(id => id !== small.current?.id))
  }

  /** @param after the key behind which a chunk begins: a sweep that goes on in the middle has not seen all */
  enter(after: Buffer | undefined): void {
    if (!this.#begun && after !== undefined) this.#ids.clear()
    this.#begun = true
  }

  /** A value stays as it is. One that cannot be read may need any of them. */
  stays(opened: Opened | undefined): void {
    if (opened === undefined) this.#ids.clear()
    else if (opened.dictionary !== undefined) this.#ids.delete(opened.dictionary)
  }

  /** Keys of those that nothing needs, when the sweep is over. */
  keys(): Buffer[] {
    const { dictionaries, current } = this.#small
    const last = Math.max(0, ...dictionaries.ids)
    return [...this.#ids].filter(id => id !== last && id !== current?.id).map(dictionaryKey)
  }
}

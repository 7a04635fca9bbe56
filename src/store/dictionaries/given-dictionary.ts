import { notSupported } from '../../errors.js'
import { Dictionary } from './dictionaries.js'
import { type DictionarySource, smallValueAt, type TableEntries } from './dictionary-source.js'
import type { SmallValues } from './small-values.js'

/** The dictionary that the options give: stored when the first small value comes, if the store has it not yet. */
export class GivenDictionary implements DictionarySource {
  readonly #bytes: Buffer
  readonly #small: SmallValues
  readonly #save: (dictionary: Dictionary) => Promise<void>
  readonly #onFailed: (error: unknown) => void
  #saving: Promise<void> | undefined

  constructor(
    bytes: Buffer,
    small: SmallValues,
    save: (dictionary: Dictionary) => Promise<void>,
    onFailed: (error: unknown) => void
  ) {
    this.#bytes = bytes
    this.#small = small
    this.#save = save
    this.#onFailed = onFailed
    small.current = small.dictionaries.find(bytes)
  }

  begin(): Promise<void> | undefined {
    return this.#small.current === undefined ? (this.#saving ??= this.#begin()) : undefined
  }

  note(): void {
    // Nothing is to be learnt from it.
  }

  async prepare(_weight: number, entriesOf: TableEntries): Promise<void> {
    if (this.#small.current !== undefined) return
    for (const entries = await entriesOf(); entries.head !== undefined; entries.advance()) {
      if (smallValueAt(entries, this.#small) !== undefined) return this.begin()
    }
  }

  async idle(): Promise<void> {
    await this.#saving
  }

  stop(): Promise<void> {
    return this.idle()
  }

  /** What fails is tried again with the next small value; until then they are stored without. */
  async #begin(): Promise<void> {
    const { dictionaries } = this.#small
    try {
      const id = dictionaries.freeId
      if (id === undefined)
        throw notSupported('The store has as many dictionaries as it may: sweep it, and open it again')
      const dictionary = new Dictionary({ id, given: true, rawShare: 1, bytes: this.#bytes })
      await this.#save(dictionary)
      dictionaries.add(dictionary)
      this.#small.current = dictionary
    } catch (error) {
      this.#onFailed(error)
    } finally {
      this.#saving = undefined
    }
  }
}

import { notSupported } from '../../errors.js'
import { BACKGROUND_TURN_MS, nextTurn, Turn } from '../../turn.js'
import { Dictionary } from './dictionaries.js'
import { type DictionarySource, smallValueAt, type TableEntries } from './dictionary-source.js'
import type { SmallValues } from './small-values.js'

/** The dictionary that is given in the options. It is stored when the first small value comes, if the store does not have it yet. */
export class GivenDictionary implements DictionarySource {
  readonly #bytes: Buffer
  readonly #small: SmallValues
  readonly #save: (dictionary: Dictionary) => Promise<void>
  readonly #onFailed: (error: unknown) => void
  /** Its id, or the one that it will get; undefined if the store can have no more dictionaries. */
  readonly #id: number | undefined
  #saving: Promise<void> | undefined
  #stopped = false

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
    this.#id = small.current?.id ?? small.dictionaries.idFor(bytes)
    if (this.#id === undefined) {
      onFailed(notSupported('The store has as many dictionaries as it may: sweep it, and open it again'))
    }
  }

  /** If storing it fails, that is tried again with the next small value; until then values are stored without it. */
  begin(): Promise<void> | undefined {
    if (this.#small.current !== undefined || this.#id === undefined || this.#stopped) return undefined
    return (this.#saving ??= this.#store(this.#id)
      .catch(this.#onFailed)
      .finally(() => {
        this.#saving = undefined
      }))
  }

  note(): void {
    // Nothing is learnt from values: the dictionary is given.
  }

  async prepare(_weight: number, entriesOf: TableEntries): Promise<void> {
    if (this.#small.current !== undefined || this.#id === undefined) return
    const turn = new Turn(BACKGROUND_TURN_MS)
    for (const entries = await entriesOf(); entries.head !== undefined; entries.advance()) {
      if (smallValueAt(entries, this.#small) !== undefined) return this.begin()
      if (turn.isOver) await nextTurn()
    }
  }

  async idle(): Promise<void> {
    await this.#saving
  }

  /** A flush that was given up may still be looking at its table. A dictionary that it stored now could replace one that the next store has stored. */
  stop(): Promise<void> {
    this.#stopped = true
    return this.idle()
  }

  async #store(id: number): Promise<void> {
    const dictionary = new Dictionary({ id, given: true, rawShare: 1, bytes: this.#bytes })
    await this.#small.dictionaries.store(dictionary, this.#save)
    this.#small.current = dictionary
  }
}

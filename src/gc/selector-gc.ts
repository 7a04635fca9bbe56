import { type Codec, CODEC_ID } from '../codec/codec.js'
import { none } from '../codec/none.js'
import { codecForCall, type CodecSelector } from '../codec/selector.js'
import { attempt } from './attempt.js'
import { type Gc, type GcDecision, KEEP, type StoredValue } from './policy.js'
import { renewal } from './renewal.js'

/**
 * Makes of raw values what a selector makes of new ones. What is compressed, or was tried, is not touched. Small values move to the store's
 * dictionary, if it has one.
 */
export class SelectorGc implements Gc {
  readonly id?: string
  readonly #select: CodecSelector
  readonly #minSizeOf: (codec: Codec) => number

  /**
   * @param minSizeOf the shortest values, in bytes, that a codec is tried on without a dictionary
   * @param id see {@link Gc.id}: only where it is known what is selected
   */
  constructor(select: CodecSelector, minSizeOf: (codec: Codec) => number, id?: string) {
    if (id !== undefined) this.id = id
    this.#select = select
    this.#minSizeOf = minSizeOf
  }

  async process(value: StoredValue): Promise<GcDecision> {
    if (value.tombstone) return KEEP
    if (value.compressed) return (await renewal(value, none(), [])) ?? KEEP
    const isProbed = value.probe !== undefined
    if (isProbed && value.offer === undefined) return KEEP
    const codec = codecForCall(this.#select, value.key, await value.raw())
    const renewed = await renewal(value, codec, [])
    if (renewed !== undefined) return renewed
    const isLeft = isProbed || codec.id === CODEC_ID.none || value.rawLength < this.#minSizeOf(codec)
    return isLeft ? KEEP : attempt(value, codec)
  }
}

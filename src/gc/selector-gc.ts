import { type Codec, CODEC_ID } from '../codec/codec.js'
import { none } from '../codec/none.js'
import { codecForCall, type CodecSelector } from '../codec/selector.js'
import { attempt } from './attempt.js'
import { type Gc, type GcDecision, KEEP, type StoredValue } from './policy.js'
import { renewal } from './renewal.js'

/**
 * Compresses raw values with the codec that a selector chooses, as the store does with new values. Values that are compressed, or were tried, are not
 * touched. Small values move to the store's dictionary, if it has one.
 */
export class SelectorGc implements Gc {
  readonly id?: string
  readonly #select: CodecSelector
  readonly #minSizeOf: (codec: Codec) => number

  /**
   * @param minSizeOf length of the shortest values, in bytes, on which a codec is tried without a dictionary
   * @param id see {@link Gc.id}; only if it says all about what the selector chooses
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

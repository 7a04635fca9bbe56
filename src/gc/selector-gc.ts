import { CODEC_ID } from '../codec/codec.js'
import { none } from '../codec/none.js'
import { codecForCall, type CodecSelector } from '../codec/selector.js'
import { attempt } from './attempt.js'
import { type Gc, type GcDecision, KEEP, MIN_COMPRESS_SIZE, type StoredValue } from './policy.js'
import { renewal } from './renewal.js'

/**
 * Makes of raw values what a selector makes of new ones. What is compressed, or was tried, is not touched. Small values move to the store's
 * dictionary, if it has one.
 */
export class SelectorGc implements Gc {
  readonly #select: CodecSelector

  constructor(select: CodecSelector) {
    this.#select = select
  }

  async process(value: StoredValue): Promise<GcDecision> {
    if (value.tombstone) return KEEP
    if (value.compressed) return (await renewal(value, none(), [])) ?? KEEP
    const isSettled = value.probe !== undefined || value.rawLength < MIN_COMPRESS_SIZE
    if (isSettled && value.offer === undefined) return KEEP
    const codec = codecForCall(this.#select, value.key, await value.raw())
    const renewed = await renewal(value, codec, [])
    return renewed ?? (isSettled || codec.id === CODEC_ID.none ? KEEP : attempt(value, codec))
  }
}

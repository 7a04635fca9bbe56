import { CODEC_ID } from '../codec/codec.js'
import { codecForCall, type CodecSelector } from '../codec/selector.js'
import { attempt } from './attempt.js'
import { type Gc, type GcDecision, KEEP, MIN_COMPRESS_SIZE, type StoredValue } from './policy.js'

/** Makes of raw values what a selector makes of new ones. What is compressed, or was tried, is not touched. */
export class SelectorGc implements Gc {
  readonly #select: CodecSelector

  constructor(select: CodecSelector) {
    this.#select = select
  }

  async process(value: StoredValue): Promise<GcDecision> {
    const settled = value.tombstone || value.compressed || value.probe !== undefined
    if (settled || value.rawLength < MIN_COMPRESS_SIZE) return KEEP
    const codec = codecForCall(this.#select, value.key, await value.raw())
    return codec.id === CODEC_ID.none ? KEEP : attempt(value, codec)
  }
}

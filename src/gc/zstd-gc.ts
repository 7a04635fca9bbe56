import { CODEC_ID, type Codec } from '../codec/codec.js'
import { zstd, ZSTD_DEFAULT_LEVEL, ZSTD_OPTIONS, type ZstdOptions } from '../codec/zstd/zstd.js'
import { assertKnownOptions } from '../known-options.js'
import { attempt } from './attempt.js'
import { type Gc, type GcDecision, KEEP, MIN_COMPRESS_SIZE, type StoredValue } from './policy.js'
import { renewal } from './renewal.js'

/**
 * Turns values of {@link MIN_COMPRESS_SIZE} bytes or more into Zstandard of a level, where that saves 10 % of what they take now: raw ones,
 * those in LZ4, and Zstandard that was not settled with that level yet. Each is tried once. Values of other codecs are not touched.
 * Small values move to the store's dictionary, if it has one.
 */
export class ZstdGc implements Gc {
  readonly id: string
  readonly #codec: Codec
  readonly #level: number

  /**
   * @throws CKV_INVALID_OPTION for a level that is none
   */
  constructor(options: ZstdOptions = {}) {
    assertKnownOptions('ZstdGc', options, ZSTD_OPTIONS)
    const { level = ZSTD_DEFAULT_LEVEL } = options
    this.#codec = zstd({ level })
    this.#level = level
    this.id = `zstd ${level}`
  }

  process(value: StoredValue): GcDecision | Promise<GcDecision> {
    if (value.offer === undefined) return this.#alone(value)
    return renewal(value, this.#codec, [CODEC_ID.lz4, CODEC_ID.zstd]).then(renewed => renewed ?? this.#alone(value))
  }

  #alone(value: StoredValue): GcDecision | Promise<GcDecision> {
    const { tombstone, codecId, probe, rawLength } = value
    if (tombstone || codecId > CODEC_ID.zstd || rawLength < MIN_COMPRESS_SIZE) return KEEP
    const isSettled = probe?.codecId === CODEC_ID.zstd && probe.effort >= this.#level
    return isSettled ? KEEP : attempt(value, this.#codec)
  }
}

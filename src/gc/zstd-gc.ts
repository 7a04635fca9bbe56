import { CODEC_ID, type Codec } from '../codec/codec.js'
import { zstd, ZSTD_DEFAULT_LEVEL, type ZstdOptions } from '../codec/zstd/zstd.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import { assertBytes } from '../option-checks.js'
import { attempt } from './attempt.js'
import {
  type Gc,
  type GcDecision,
  idOf,
  KEEP,
  MIN_COMPRESS_SIZE,
  type MinSizeOption,
  type StoredValue
} from './policy.js'
import { renewal } from './renewal.js'

export interface ZstdGcOptions extends ZstdOptions, MinSizeOption {}

const OPTIONS = { level: 'any', minSize: 'any' } as const satisfies OptionTable<ZstdGcOptions>

/**
 * Compresses values of `minSize` bytes or more with Zstandard of a level, if that saves 10 % of what they take now: raw values, values in LZ4, and
 * values in Zstandard that have not been tried with that level yet. Each value is tried once. Values of other codecs are not touched. Small values
 * move to the store's dictionary, if it has one.
 */
export class ZstdGc implements Gc {
  readonly id: string
  readonly #codec: Codec
  readonly #level: number
  readonly #minSize: number

  /** @throws CKV_INVALID_OPTION */
  constructor(options: ZstdGcOptions = {}) {
    assertKnownOptions('ZstdGc', options, OPTIONS)
    const { level = ZSTD_DEFAULT_LEVEL, minSize = MIN_COMPRESS_SIZE } = options
    assertBytes('minSize', minSize, Infinity)
    this.#codec = zstd({ level })
    this.#level = level
    this.#minSize = minSize
    this.id = idOf(`zstd ${level}`, minSize)
  }

  process(value: StoredValue): GcDecision | Promise<GcDecision> {
    if (value.offer === undefined) return this.#alone(value)
    return renewal(value, this.#codec, [CODEC_ID.lz4, CODEC_ID.zstd]).then(renewed => renewed ?? this.#alone(value))
  }

  #alone(value: StoredValue): GcDecision | Promise<GcDecision> {
    const { tombstone, codecId, probe, rawLength } = value
    if (tombstone || codecId > CODEC_ID.zstd || rawLength < this.#minSize) return KEEP
    const isSettled = probe?.codecId === CODEC_ID.zstd && probe.effort >= this.#level
    return isSettled ? KEEP : attempt(value, this.#codec)
  }
}

import { CODEC_ID } from '../codec/codec.js'
import { lz4 } from '../codec/lz4/lz4.js'
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

const OPTIONS = { minSize: 'any' } as const satisfies OptionTable<MinSizeOption>

/**
 * Compresses raw values of `minSize` bytes or more with LZ4 if that saves 10 %, and notes in the others that it does not, so that they are not tried
 * again. Values that are compressed already are not touched. Small values move to the store's dictionary, if it has one.
 */
export class Lz4Gc implements Gc {
  readonly id: string
  readonly #minSize: number

  /** @throws CKV_INVALID_OPTION */
  constructor(options: MinSizeOption = {}) {
    assertKnownOptions('Lz4Gc', options, OPTIONS)
    const { minSize = MIN_COMPRESS_SIZE } = options
    assertBytes('minSize', minSize, Infinity)
    this.#minSize = minSize
    this.id = idOf('lz4', minSize)
  }

  process(value: StoredValue): GcDecision | Promise<GcDecision> {
    if (value.offer === undefined) return this.#alone(value)
    return renewal(value, lz4(), [CODEC_ID.lz4]).then(renewed => renewed ?? this.#alone(value))
  }

  #alone(value: StoredValue): GcDecision | Promise<GcDecision> {
    const settled = value.tombstone || value.compressed || value.probe !== undefined
    return settled || value.rawLength < this.#minSize ? KEEP : attempt(value, lz4())
  }
}

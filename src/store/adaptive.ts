import type { Codec } from '../codec/codec.js'
import { lz4 } from '../codec/lz4/lz4.js'
import { leftRaw } from '../codec/none.js'
import { MIN_SAMPLED_BYTES, sample } from '../codec/sample.js'
import type { CodecSelector } from '../codec/selector.js'
import { tensor, TENSOR_OPTIONS, type TensorOptions } from '../codec/tensor/tensor.js'
import { zstd, ZSTD_DEFAULT_LEVEL } from '../codec/zstd/zstd.js'
import { invalidOption } from '../errors.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import { assertBytes } from '../option-checks.js'
import { beginsWith, KEY_PREFIX_OPTIONS, type KeyPrefix, prefixBytes } from './options/key-prefix.js'

export interface AdaptiveOptions {
  /** The keys of tensors, whose values are written with tensor(). The first entry that matches a key counts. @default none */
  readonly tensors?: readonly TensorKeys[] | undefined
  /**
   * Values shorter than this, in bytes, are written with LZ4 if it finds repeats: that takes half of the time. With a lower value less is stored, and
   * writing takes longer.
   * @default 2048
   */
  readonly smallSize?: number | undefined
  /** The level of Zstandard, from 1 (fast) to 22 (small and slow). @default 3 */
  readonly level?: number | undefined
}

/** Which keys have tensors, and of which type these are. */
export interface TensorKeys extends KeyPrefix, TensorOptions {}

const ADAPTIVE_OPTIONS = {
  tensors: 'any',
  smallSize: 'any',
  level: 'any'
} as const satisfies OptionTable<AdaptiveOptions>

const TENSOR_KEYS_OPTIONS = {
  ...KEY_PREFIX_OPTIONS,
  ...TENSOR_OPTIONS
} as const satisfies OptionTable<TensorKeys>

const DEFAULT_SMALL_SIZE = 2048

/*
 * The thresholds separate the kinds of data in docs/adaptive.md. Arrays of floating-point numbers are estimated at 7.1 bits a byte and have no
 * repeats; Zstandard makes them 0.91 to 0.96 times as large. bf16 is estimated at 6.1 bits, and becomes 0.77 to 0.82 times as large.
 */
const MAX_BITS_PER_BYTE = 7
/** With more repeats than this the bits do not matter: images in which something repeats become 0.8 times as large. */
const SOME_REPEATS = 0.03
/** From this share of repeats on, LZ4 saves nearly as much as Zstandard, in a third of the time. */
const MANY_REPEATS = 0.7

/**
 * Looks at 512 bytes of each value, which takes 2 to 3 µs, and chooses a codec: usually Zstandard; LZ4 for small values, and for values that consist
 * almost only of repeats; none for values that look incompressible; and tensor() for the keys in `tensors`. It can be used wherever a codec can be
 * named: in a store's options, in a rule, in a call. The chosen codec is stored with each value, so reading needs nothing. `stats()` counts values
 * by codec, and those left raw as 'looksIncompressible'.
 *
 * It aims at a `minSaving` of 0.1. A value that only has repeats far apart, and nothing else to save, is left raw.
 *
 * @throws CKV_INVALID_OPTION for an invalid level, dtype, prefix or size
 */
export function adaptive(options: AdaptiveOptions = {}): CodecSelector {
  assertKnownOptions('adaptive()', options, ADAPTIVE_OPTIONS)
  const { tensors = [], smallSize = DEFAULT_SMALL_SIZE, level = ZSTD_DEFAULT_LEVEL } = options
  assertBytes('smallSize', smallSize, Infinity)
  if (!Array.isArray(tensors)) throw invalidOption('adaptive() takes tensors as a list of { prefix, dtype }')
  const strong = zstd({ level })
  const tensorKeys = (tensors as readonly TensorKeys[]).map(codecOfKeys)

  const select = (key: Buffer, value: Buffer): Codec => {
    for (const { prefix, codec } of tensorKeys) if (beginsWith(key, prefix)) return codec
    // Too short for a look. By default such values are stored raw anyway; with a dictionary or a lower minSize, trying LZ4 takes hardly longer.
    return value.length < MIN_SAMPLED_BYTES ? lz4() : chosenFor(value, smallSize, strong)
  }
  return Object.assign(select, { codecs: [lz4(), strong, ...tensorKeys.map(({ codec }) => codec)] })
}

function codecOfKeys(keys: TensorKeys): { prefix: Buffer; codec: Codec } {
  assertKnownOptions('an entry of tensors', keys, TENSOR_KEYS_OPTIONS)
  const { prefix, sublevel, ...options } = keys
  return { prefix: prefixBytes({ prefix, sublevel }), codec: tensor(options) }
}

function chosenFor(value: Buffer, smallSize: number, strong: Codec): Codec {
  const { bitsPerByte, repeats } = sample(value)
  if (bitsPerByte > MAX_BITS_PER_BYTE && repeats < SOME_REPEATS) return leftRaw()
  const isFastEnough = repeats >= MANY_REPEATS || (value.length < smallSize && repeats >= SOME_REPEATS)
  return isFastEnough ? lz4() : strong
}

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
  /** Keys under which tensors are: those are written with tensor(). The first match wins. @default none */
  readonly tensors?: readonly TensorKeys[] | undefined
  /**
   * Shorter values, in bytes, get LZ4 where it finds something: writing them takes half of the time. Lower stores less and
   * takes longer.
   * @default 2048
   */
  readonly smallSize?: number | undefined
  /** Zstandard's, 1 (fast) to 22 (small and slow). @default 3 */
  readonly level?: number | undefined
}

/** Some of the keys, and what their values are. */
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
 * The thresholds separate the kinds of data in docs/adaptive.md. Arrays of floating-point numbers have an estimate of 7.1 bits and
 * no repeats, and shrink to 0.91 to 0.96 with Zstandard; bf16 has 6.1 bits, and shrinks to 0.77 to 0.82.
 */
const MAX_BITS_PER_BYTE = 7
/** With more, the bits do not matter: images in which something repeats shrink to 0.8. */
const SOME_REPEATS = 0.03
/** From here on LZ4 comes near what Zstandard saves, in a third of the time. */
const MANY_REPEATS = 0.7

/**
 * Looks at 512 bytes of each value, which takes 2 to 3 µs, and chooses: Zstandard in general, LZ4 for small values and those that hardly do
 * anything but repeat themselves, none for what looks incompressible, and tensor() for the keys that are said to be tensors. Goes
 * wherever a codec can be named: in a store's options, in a rule, in a call. What it chose is stored with each value, so reading needs
 * nothing; `stats()` counts it by codec, and what it left raw as 'looksIncompressible'.
 *
 * It aims at a `minSaving` of 0.1. A value that repeats itself at a distance only, and has nothing else to save, is left raw.
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
    // Alone these are raw by default; with a dictionary, or a lower minSize, trying takes hardly longer than looking.
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

import { invalidOption, notSupported } from '../../errors.js'
import { assertKnownOptions, type OptionTable } from '../../known-options.js'
import { builtIn, isBuiltIn } from '../built-in.js'
import { type Codec, CODEC_ID } from '../codec.js'
import { lz4 } from '../lz4/lz4.js'
import { MAX_BLOCKS } from './tensor-blocks.js'
import { decodeTensor, decodeTensorSync } from './tensor-decode.js'
import { encodeTensor, encodeTensorSync } from './tensor-encode.js'
import { DTYPES, type TensorDtype } from './tensor-format.js'
import { zstd } from '../zstd/zstd.js'

/**
 * Level 1 beats level 3 here: among exponents Zstandard's stronger levels find short matches that cost more than literals. On bf16
 * KV tensors it takes half the time and stores 1 to 3 % less; only real fp16 is 2 % larger than with level 3.
 */
const ZSTD_LEVEL = 1

export interface TensorOptions {
  /** What the bytes of a value are: little-endian numbers, one after another. A value of anything else still survives. */
  readonly dtype: TensorDtype
  /**
   * What compresses the byte planes that pay: `'zstd'` (level 1, which is smaller here than level 3), `'lz4'`, or one of these
   * with settings of your own, `zstd({ level: 6 })`. @default 'zstd'
   */
  readonly codec?: 'zstd' | 'lz4' | Codec
}

export const TENSOR_OPTIONS = { dtype: 'any', codec: 'any' } as const satisfies OptionTable<TensorOptions>

/**
 * For arrays of numbers: puts first bytes with first bytes, second with second, and so on, compresses the planes that hold signs
 * and exponents, and stores mantissas as they are. Lossless to the bit. Trailing zeros cost nothing. Values of any length: what
 * is behind the last whole number is kept. Reading needs no options, the bytes say all.
 *
 * @throws CKV_INVALID_OPTION for another dtype or codec
 */
export function tensor(options: TensorOptions): Codec {
  assertKnownOptions('tensor()', options, TENSOR_OPTIONS)
  const { dtype, codec = 'zstd' } = options
  if (!Object.hasOwn(DTYPES, dtype)) {
    throw invalidOption(`tensor dtype must be one of ${Object.keys(DTYPES).join(', ')}, not '${dtype}'`)
  }
  return tensorCodec(`tensor-${dtype}`, dtype, innerForWriting(codec))
}

/** What reads every tensor. Where a codec is needed to write with, take {@link tensor}: this one takes values for bytes. */
export function tensorReader(): Codec {
  return (reader ??= tensorCodec('tensor', 'i8', innerForWriting('zstd')))
}

let reader: Codec | undefined

function tensorCodec(name: string, dtype: TensorDtype, inner: Codec): Codec {
  return builtIn({
    id: CODEC_ID.tensor,
    name,
    ...(inner.effort === undefined ? {} : { effort: inner.effort }),
    workingBytes: MAX_BLOCKS * (inner.workingBytes ?? 0),
    load: () => inner.load?.(),
    compress: data => encodeTensor(data, dtype, inner),
    compressSync: data => encodeTensorSync(data, dtype, inner),
    decompress: (data, rawLength) => decodeTensor(data, rawLength, innerForReading),
    decompressSync: (data, rawLength) => decodeTensorSync(data, rawLength, innerForReading)
  })
}

function innerForWriting(codec: 'zstd' | 'lz4' | Codec): Codec {
  if (codec === 'zstd') return zstd({ level: ZSTD_LEVEL })
  if (codec === 'lz4') return lz4()
  if (typeof codec === 'object' && codec !== null && isBuiltIn(codec) && INNER_IDS.has(codec.id)) return codec
  throw invalidOption("The codec of a tensor is 'zstd', 'lz4', or what zstd() or lz4() returned")
}

const INNER_IDS: ReadonlySet<number> = new Set([CODEC_ID.lz4, CODEC_ID.zstd])

function innerForReading(id: number): Codec {
  if (id === CODEC_ID.lz4) return lz4()
  if (id === CODEC_ID.zstd) return zstd()
  throw notSupported(
    `This tensor was compressed with codec ${id}, which this version does not know: upgrade compressed-kv`
  )
}

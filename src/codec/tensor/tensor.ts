import { invalidOption, notSupported } from '../../errors.js'
import { assertKnownOptions, type OptionTable } from '../../known-options.js'
import { shown } from '../../option-checks.js'
import { builtIn, isBuiltIn } from '../built-in.js'
import { type Codec, CODEC_ID } from '../codec.js'
import { lz4 } from '../lz4/lz4.js'
import { zstd } from '../zstd/zstd.js'
import { MAX_BLOCKS } from './tensor-blocks.js'
import { decodeTensor, decodeTensorSync } from './tensor-decode.js'
import { encodeTensor, encodeTensorSync } from './tensor-encode.js'
import { DTYPES, type TensorDtype } from './tensor-format.js'

/**
 * Level 1 is better than level 3 here: among exponents Zstandard's stronger levels find short matches that cost more than literals. With level 1,
 * KV tensors of bf16 take half the time and become 1 to 3 % smaller; only real fp16 becomes 2 % larger.
 */
const ZSTD_LEVEL = 1

export interface TensorOptions {
  /** The type of the numbers that a value consists of, little-endian. Values that are something else are restored as well. */
  readonly dtype: TensorDtype
  /**
   * What compresses the byte planes that are worth compressing: `'zstd'` (at level 1, which gives smaller results here than level 3), `'lz4'`, or one
   * with settings of your own, as `zstd({ level: 6 })`. @default 'zstd'
   */
  readonly codec?: 'zstd' | 'lz4' | Codec | undefined
}

export const TENSOR_OPTIONS = { dtype: 'any', codec: 'any' } as const satisfies OptionTable<TensorOptions>

/**
 * A codec for arrays of numbers. It puts the first bytes of all numbers together, then their second bytes, and so on; compresses those of these
 * planes that hold signs and exponents; and stores mantissas as they are. It is lossless to the bit. Trailing zeros take no space. Values may have
 * any length: bytes after the last whole number are kept. To read, no options are needed.
 *
 * @throws CKV_INVALID_OPTION for another dtype or codec
 */
export function tensor(options: TensorOptions): Codec {
  assertKnownOptions('tensor()', options, TENSOR_OPTIONS)
  const { dtype, codec = 'zstd' } = options
  if (!Object.hasOwn(DTYPES, dtype)) {
    throw invalidOption(`tensor dtype must be one of ${Object.keys(DTYPES).join(', ')}, not ${shown(dtype)}`)
  }
  return tensorCodec(`tensor-${dtype}`, dtype, innerForWriting(codec))
}

/** The codec that reads every tensor. To write, use {@link tensor}: this one would take values for single bytes. */
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

const INNER_IDS: ReadonlySet<number> = new Set([CODEC_ID.lz4, CODEC_ID.zstd])

function innerForWriting(codec: 'zstd' | 'lz4' | Codec): Codec {
  if (codec === 'zstd') return zstd({ level: ZSTD_LEVEL })
  if (codec === 'lz4') return lz4()
  if (typeof codec === 'object' && codec !== null && isBuiltIn(codec) && INNER_IDS.has(codec.id)) return codec
  throw invalidOption("The codec of a tensor is 'zstd', 'lz4', or what zstd() or lz4() returned")
}

function innerForReading(id: number): Codec {
  if (id === CODEC_ID.lz4) return lz4()
  if (id === CODEC_ID.zstd) return zstd()
  throw notSupported(
    `This tensor was compressed with codec ${id}, which this version does not know: upgrade compressed-kv`
  )
}

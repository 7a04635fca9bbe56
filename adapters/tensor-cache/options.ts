import { assertKnownOptions, type OptionTable, type TensorDtype, type TensorOptions } from 'compressed-kv'
import { invalidOption, shown } from '../errors.js'
import { elementBytes, TENSOR_DTYPES } from './tensor-array.js'

/** A layer's number has four hexadecimal digits in its key. */
const MAX_LAYERS = 0xffff
export const MAX_TEXT_LENGTH = 1024
/** NumPy's limit. A shape is kept in memory and in the index. */
export const MAX_AXES = 64

/**
 * What a cache holds. All options but `maxBytes` and `codec` say which tensors are its own: a cache that differs in one of them does not see them.
 */
export interface TensorCacheOptions<D extends TensorDtype = TensorDtype> {
  /** The model that made the tensors, such as 'meta-llama/Llama-3.2-1B'. */
  readonly model: string
  /** Revision of the model: a commit, a date, a hash of its file. @default '' */
  readonly revision?: string | undefined
  /** Anything else that must be equal for tensors to be reused: an adapter's name, the rank of a worker, a salt. @default '' */
  readonly extra?: string | undefined
  readonly dtype: D
  /** Number of tensors in a chunk. If keys and values are separate tensors, this is twice the model's layers: pass each layer's two in turn. */
  readonly layers: number
  /**
   * Shape of one layer's tensor in one chunk. Its extent on `seqAxis` is the number of tokens in a chunk (256 in LMCache). For tensors
   * `[batch, heads, sequence, dim]` it is for instance `[1, 8, 256, 128]`, with `seqAxis` 2; for tensors with tokens first `[256, 8, 128]`, with
   * `seqAxis` 0.
   */
  readonly shape: readonly number[]
  /** The axis of `shape` that counts tokens. */
  readonly seqAxis: number
  /**
   * The most bytes that everything cached in this database or sublevel may take when it is stored, keys and index included: before it is exceeded,
   * the least recently used is evicted. All caches over the same database or sublevel, even of different models, must have the same limit.
   */
  readonly maxBytes: number
  /** The codec of `tensor()`, which compresses byte planes. @default 'zstd' */
  readonly codec?: TensorOptions['codec'] | undefined
}

const CACHE_OPTIONS = {
  model: 'any',
  revision: 'any',
  extra: 'any',
  dtype: 'any',
  layers: 'any',
  shape: 'any',
  seqAxis: 'any',
  maxBytes: 'any',
  codec: 'any'
} as const satisfies OptionTable<TensorCacheOptions>

/** The options of `getTensor`. */
export const EXPECTED_TENSOR = { shape: 'any' } as const satisfies OptionTable<{ readonly shape?: readonly number[] }>

/** Checked options, and what follows from them. */
export interface Layout<D extends TensorDtype = TensorDtype> {
  readonly model: string
  readonly revision: string
  readonly extra: string
  readonly dtype: D
  readonly layers: number
  readonly shape: readonly number[]
  readonly seqAxis: number
  /** The number of tokens in a chunk. */
  readonly chunkTokens: number
  /** How many numbers one layer's tensor has in a chunk. */
  readonly elements: number
}

/** @throws CKV_INVALID_OPTION */
export function layoutOf<D extends TensorDtype>(options: TensorCacheOptions<D>): Layout<D> {
  assertKnownOptions('TensorCache', options, CACHE_OPTIONS)
  const { model, revision = '', extra = '', dtype, layers, shape, seqAxis } = options
  for (const [name, text] of Object.entries({ model, revision, extra })) {
    if (typeof text !== 'string' || text.length > MAX_TEXT_LENGTH) {
      const what = typeof text === 'string' ? `${text.length}` : shown(text)
      throw invalidOption(`${name} must be text of at most ${MAX_TEXT_LENGTH} characters, not ${what}`)
    }
  }
  if (model === '')
    throw invalidOption("model must be the model's name: without it, tensors of another model would be found")
  if (!TENSOR_DTYPES.includes(dtype)) {
    throw invalidOption(`dtype must be one of ${TENSOR_DTYPES.join(', ')}, not ${shown(dtype)}`)
  }
  if (!isPositive(layers) || layers > MAX_LAYERS) {
    throw invalidOption(`layers must be an integer from 1 to ${MAX_LAYERS}, not ${shown(layers)}`)
  }
  const elements = elementsOf(shape)
  if (Number.isNaN(elements) || shape.length === 0) {
    throw invalidOption(`shape must be an array of 1 to ${MAX_AXES} integers above 0, not ${shown(shape)}`)
  }
  if (!isPositive(elements * elementBytes(dtype))) {
    throw invalidOption(`shape must be that of a tensor that fits into memory, and ${shown(shape)} does not`)
  }
  const chunkTokens = shape[seqAxis]
  if (!Number.isInteger(seqAxis) || chunkTokens === undefined) {
    throw invalidOption(`seqAxis must be an axis of shape, from 0 to ${shape.length - 1}, not ${shown(seqAxis)}`)
  }
  return { model, revision, extra, dtype, layers, shape: [...shape], seqAxis, chunkTokens, elements }
}

/** @throws CKV_INVALID_OPTION */
export function assertMaxBytes(maxBytes: number): void {
  if (!isPositive(maxBytes)) throw invalidOption(`maxBytes must be an integer above 0, not ${shown(maxBytes)}`)
}

/** The number of elements in a tensor of this shape; NaN if it is no shape. A scalar has one. */
export function elementsOf(shape: unknown): number {
  if (!Array.isArray(shape) || shape.length > MAX_AXES) return Number.NaN
  return shape.reduce((product: number, extent: unknown) => (isPositive(extent) ? product * extent : Number.NaN), 1)
}

function isPositive(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}

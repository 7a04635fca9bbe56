import type { TensorDtype } from 'compressed-kv'
import { mismatch } from './errors.js'
import type { Layout } from './options.js'
import { tokensIn } from './sequence-axis.js'
import { arrayName, arrayOver, elementBytes, isTensorArray, type TensorArray } from './tensor-array.js'

/*
 * Checks arrays that are passed in, or were stored, against a layout. All functions throw CKV_TENSOR_MISMATCH.
 */

export function assertDtype<D extends TensorDtype>(
  { dtype }: Layout<D>,
  data: unknown
): asserts data is TensorArray<D> {
  if (isTensorArray(dtype, data)) return
  const kind = kindOf(data)
  // Not `Uint16Array.from(data)`, which is near at hand: it makes integers of the numbers.
  const how =
    dtype === 'f16' && kind === 'Float16Array' ? ': new Uint16Array(data.buffer, data.byteOffset, data.length)' : ''
  throw mismatch(`Tensors of ${dtype} must be given as ${arrayName(dtype)}, not as ${kind}${how}`)
}

/** Checks the layers of one chunk. */
export function assertChunkLayers(layout: Layout, layers: readonly TensorArray[]): void {
  assertLayers(layout, layers)
  for (const { length } of layers) {
    if (length === layout.elements) continue
    throw mismatch(
      `A layer has ${length} numbers, but the cache's shape, [${layout.shape.join(', ')}], ${layout.elements}`
    )
  }
}

/** Checks the layers of a sequence, which must have at least `tokens` tokens. */
export function assertSequenceLayers(layout: Layout, layers: readonly TensorArray[], tokens: number): void {
  assertLayers(layout, layers)
  for (const layer of layers) {
    const held = tokensIn(layout, layer)
    if (held < tokens)
      throw mismatch(`A layer's tensor has ${held} tokens, but the whole chunks of the sequence have ${tokens}`)
  }
}

function assertLayers(layout: Layout, layers: readonly TensorArray[]): void {
  if (!Array.isArray(layers)) throw mismatch(`Layers must be given as an array, of ${arrayName(layout.dtype)}`)
  if (layers.length !== layout.layers) {
    throw mismatch(`The cache has ${layout.layers} layers in a chunk, and ${layers.length} were given`)
  }
  for (const layer of layers) assertDtype(layout, layer)
}

/** Typed arrays over stored bytes. */
export function storedArrays<D extends TensorDtype>(
  { dtype }: Layout<D>,
  values: readonly Uint8Array[],
  count: number,
  elements: number
): TensorArray<D>[] {
  if (values.length !== count)
    throw mismatch(`${values.length} layers are stored where there should be ${count}: put them again`)
  for (const { length } of values) {
    if (length === elements * elementBytes(dtype)) continue
    throw mismatch(
      `${length} bytes are stored where there should be a ${dtype} tensor of ${elements} numbers: put it again`
    )
  }
  return values.map(value => arrayOver(dtype, value))
}

function kindOf(data: unknown): string {
  return data?.constructor?.name ?? String(data)
}

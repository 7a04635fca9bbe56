import type { TensorDtype } from 'compressed-kv'
import { mismatch } from './errors.js'
import type { Layout } from './options.js'
import { tokensIn } from './sequence-axis.js'
import { arrayName, arrayOver, elementBytes, isTensorArray, type TensorArray } from './tensor-array.js'

/*
 * Checks of arrays against a layout, those passed in and those stored. All throw CKV_TENSOR_MISMATCH.
 */

export function assertDtype<D extends TensorDtype>(
  { dtype }: Layout<D>,
  data: unknown
): asserts data is TensorArray<D> {
  if (isTensorArray(dtype, data)) return
  throw mismatch(`Tensors of ${dtype} come as ${arrayName(dtype)}, not ${kindOf(data)}`)
}

/** Checks the layers of one chunk. */
export function assertChunkLayers(layout: Layout, layers: readonly TensorArray[]): void {
  assertLayers(layout, layers)
  for (const { length } of layers) {
    if (length === layout.elements) continue
    throw mismatch(`A layer of ${length} numbers where the shape, [${layout.shape.join(', ')}], has ${layout.elements}`)
  }
}

/** Checks the layers of a sequence, or of a longer one, which must have at least `tokens` tokens. */
export function assertSequenceLayers(layout: Layout, layers: readonly TensorArray[], tokens: number): void {
  assertLayers(layout, layers)
  for (const layer of layers) {
    const held = tokensIn(layout, layer)
    if (held < tokens)
      throw mismatch(`A tensor of ${held} tokens for a sequence of which ${tokens} are in whole chunks`)
  }
}

function assertLayers(layout: Layout, layers: readonly TensorArray[]): void {
  if (!Array.isArray(layers)) throw mismatch(`Layers come as an array of ${arrayName(layout.dtype)}`)
  if (layers.length !== layout.layers) {
    throw mismatch(`${layers.length} layers where a chunk has ${layout.layers}`)
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
    throw mismatch(`${values.length} layers are stored where ${count} should be: put them again`)
  for (const { length } of values) {
    if (length === elements * elementBytes(dtype)) continue
    throw mismatch(`${length} bytes are stored where a ${dtype} tensor of ${elements} numbers should be: put it again`)
  }
  return values.map(value => arrayOver(dtype, value))
}

function kindOf(data: unknown): string {
  return data?.constructor?.name ?? String(data)
}

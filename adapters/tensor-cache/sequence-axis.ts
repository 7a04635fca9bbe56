import type { TensorDtype } from 'compressed-kv'
import { mismatch } from './errors.js'
import type { Layout } from './options.js'
import { bytesOf, newArray, type TensorArray } from './tensor-array.js'

/*
 * Seen from its sequence axis, a tensor is `outer` rows, each with `inner` numbers for every token. A range of tokens is one run in each row:
 *
 *     [batch 1, heads 2, sequence 6, dim 4]: outer 2, inner 4      row 0 |aaaa|bbbb|....|....|....|....|
 *     tokens 0 to 2                                                row 1 |aaaa|bbbb|....|....|....|....|
 */

type Axis = Pick<Layout, 'shape' | 'seqAxis' | 'chunkTokens' | 'elements'>

function rowsOf({ shape, seqAxis }: Axis): number {
  return shape.slice(0, seqAxis).reduce((product, extent) => product * extent, 1)
}

/**
 * The number of tokens in a tensor of this layout with any extent on the sequence axis.
 *
 * @throws CKV_TENSOR_MISMATCH if no extent fits its length
 */
export function tokensIn(layout: Axis, data: TensorArray): number {
  const tokens = data.length / (layout.elements / layout.chunkTokens)
  if (Number.isInteger(tokens)) return tokens
  throw mismatch(`A tensor of ${data.length} numbers has no shape ${shapeText(layout)}`)
}

/**
 * Tokens `start` to below `end` of a tensor, in the layout of a chunk.
 *
 * @returns a view if the token axis is outermost, otherwise a copy
 */
export function splitSequence<D extends TensorDtype>(
  layout: Layout<D>,
  data: TensorArray<D>,
  start: number,
  end: number
): TensorArray<D> {
  const outer = rowsOf(layout)
  const row = data.length / outer
  const inner = layout.elements / layout.chunkTokens / outer
  if (outer === 1) return data.subarray(start * inner, end * inner) as TensorArray<D>
  const run = (end - start) * inner
  const part = newArray(layout.dtype, outer * run)
  copyRuns(data, start * inner, row, part, 0, run, outer, run)
  return part
}

/** Concatenates chunks, each as {@link splitSequence} makes it, along the sequence axis. */
export function mergeSequence<D extends TensorDtype>(
  layout: Layout<D>,
  chunks: readonly TensorArray<D>[]
): TensorArray<D> {
  if (chunks.length === 1) return chunks[0]!
  const outer = rowsOf(layout)
  const run = layout.elements / outer
  const row = run * chunks.length
  const whole = newArray(layout.dtype, outer * row)
  for (const [i, chunk] of chunks.entries()) copyRuns(chunk, 0, run, whole, i * run, row, outer, run)
  return whole
}

/** Copies `rows` runs of `run` elements; positions and strides are in elements. */
function copyRuns(
  from: TensorArray,
  fromAt: number,
  fromStride: number,
  to: TensorArray,
  toAt: number,
  toStride: number,
  rows: number,
  run: number
): void {
  const { BYTES_PER_ELEMENT: size } = from
  const source = bytesOf(from)
  const target = bytesOf(to)
  for (let row = 0; row < rows; row++) {
    const start = (fromAt + row * fromStride) * size
    source.copy(target, (toAt + row * toStride) * size, start, start + run * size)
  }
}

function shapeText({ shape, seqAxis }: Axis): string {
  return `[${shape.map((extent, axis) => (axis === seqAxis ? 'sequence' : extent)).join(', ')}]`
}

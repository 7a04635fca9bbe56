import type { Codec } from '../codec.js'
import { blockwise } from './tensor-blocks.js'
import {
  type Cell,
  CELL_COMPRESSED,
  CELL_CONSTANT,
  CELL_RAW,
  DTYPES,
  payloadOffset,
  type TensorDtype,
  writeHeader
} from './tensor-format.js'
import { type Plan, planesOf, planTensor, release } from './tensor-plan.js'
import { isConstant, pays } from './tensor-plane-choice.js'

export async function encodeTensor(data: Uint8Array, dtype: TensorDtype, inner: Codec): Promise<Uint8Array> {
  const plan = planTensor(data, DTYPES[dtype].bytes)
  const cells: Cell[] = Array.from({ length: plan.choices.length })
  await blockwise(plan.layout.blocks, async block => {
    const settling = planesOf(plan, block).map(async (plane, p) => {
      const i = p * plan.layout.blocks + block
      const cell = cellWithoutCodec(plan, i, plane) ?? keepSmaller(plane, await inner.compress(plane))
      cells[i] = releasing(plane, cell)
    })
    await Promise.all(settling)
  })
  return assemble(plan, dtype, inner, cells)
}

/** {@link encodeTensor} on the calling thread. */
export function encodeTensorSync(data: Uint8Array, dtype: TensorDtype, inner: Codec): Uint8Array {
  const plan = planTensor(data, DTYPES[dtype].bytes)
  const cells: Cell[] = Array.from({ length: plan.choices.length })
  for (let block = 0; block < plan.layout.blocks; block++) {
    for (const [p, plane] of planesOf(plan, block).entries()) {
      const i = p * plan.layout.blocks + block
      const cell = cellWithoutCodec(plan, i, plane) ?? keepSmaller(plane, inner.compressSync!(plane))
      cells[i] = releasing(plane, cell)
    }
  }
  return assemble(plan, dtype, inner, cells)
}

function cellWithoutCodec({ choices }: Plan, i: number, plane: Uint8Array): Cell | undefined {
  if (choices[i] === 'constant' && isConstant(plane)) return { mode: CELL_CONSTANT, byte: plane[0]! }
  return choices[i] === 'raw' ? { mode: CELL_RAW, payload: plane } : undefined
}

function keepSmaller(plane: Uint8Array, compressed: Uint8Array): Cell {
  return pays(compressed.length, plane.length)
    ? { mode: CELL_COMPRESSED, payload: compressed }
    : { mode: CELL_RAW, payload: plane }
}

/** Gives the memory of a plane back, unless the cell is stored from it. */
function releasing(plane: Uint8Array, cell: Cell): Cell {
  if (cell.mode === CELL_CONSTANT || cell.payload !== plane) release(plane)
  return cell
}

function assemble(plan: Plan, dtype: TensorDtype, inner: Codec, cells: readonly Cell[]): Buffer {
  const { data, layout, out, places } = plan
  writeHeader(out, { dtypeId: DTYPES[dtype].id, innerId: inner.id, layout }, cells)
  let at = payloadOffset(layout)
  for (const [i, cell] of cells.entries()) {
    if (cell.mode === CELL_CONSTANT) continue
    if (cell.payload !== places[i]) out.set(cell.payload, at)
    at += cell.payload.length
  }
  const tail = data.subarray(layout.elements * layout.elementBytes, layout.usedBytes)
  out.set(tail, at)
  at += tail.length
  // A small result is copied: as a view it would keep the memory for the worst case.
  return at < out.length / 2 ? Buffer.from(out.subarray(0, at)) : out.subarray(0, at)
}

import type { Codec } from '../codec.js'
import { restoreSync, undecodable } from '../restore.js'
import { blockwise } from './tensor-blocks.js'
import {
  blockOf,
  type Cell,
  CELL_COMPRESSED,
  CELL_CONSTANT,
  elementsIn,
  type Layout,
  readTensor
} from './tensor-format.js'
import { mergePlanes } from './tensor-planes.js'

/** Gives the codec that reads what the inner codec with this id wrote. Throws LEVEL_NOT_SUPPORTED if there is none. */
type InnerCodec = (id: number) => Codec

/** The page size of most systems. Larger pages are touched several times, which does no harm. */
const PAGE_BYTES = 4096

/** What errors call a plane that cannot be restored. */
const PLANE = 'a plane of a tensor'

/**
 * @param rawLength how many bytes to restore. The result has as many, whatever `data` claims. All that is allocated beside it are the planes of the
 *   blocks under way, which are no larger together.
 * @throws LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED
 */
export async function decodeTensor(data: Uint8Array, rawLength: number, innerCodec: InnerCodec): Promise<Uint8Array> {
  const { header, cells, tail } = readTensor(data, rawLength)
  const { layout } = header
  const inner = innerCodec(header.innerId)
  const out = Buffer.allocUnsafe(rawLength)
  const failed = (error: unknown) => {
    throw undecodable(inner, PLANE, error)
  }
  await blockwise(layout.blocks, async block => {
    const bytes = elementsIn(layout, block)
    const planes = cellsOf(cells, layout, block).map(cell =>
      cell.mode === CELL_COMPRESSED ? inner.decompress(cell.payload, bytes).catch(failed) : plainPlane(cell, bytes)
    )
    const place = blockOf(out, layout, block)
    touchPages(place)
    mergePlanes(await Promise.all(planes), place)
  })
  return finish(out, layout, tail)
}

/** {@link decodeTensor} on the calling thread. */
export function decodeTensorSync(data: Uint8Array, rawLength: number, innerCodec: InnerCodec): Uint8Array {
  const { header, cells, tail } = readTensor(data, rawLength)
  const { layout } = header
  const inner = innerCodec(header.innerId)
  const out = Buffer.allocUnsafe(rawLength)
  for (let block = 0; block < layout.blocks; block++) {
    const bytes = elementsIn(layout, block)
    const planes = cellsOf(cells, layout, block).map(cell =>
      cell.mode === CELL_COMPRESSED ? restoreSync(inner, cell.payload, bytes, PLANE) : plainPlane(cell, bytes)
    )
    mergePlanes(planes, blockOf(out, layout, block))
  }
  return finish(out, layout, tail)
}

function cellsOf(cells: readonly Cell[], { blocks, elementBytes }: Layout, block: number): Cell[] {
  return Array.from({ length: elementBytes }, (_, plane) => cells[plane * blocks + block]!)
}

function plainPlane(cell: Exclude<Cell, { mode: typeof CELL_COMPRESSED }>, bytes: number): Uint8Array {
  return cell.mode === CELL_CONSTANT ? Buffer.alloc(bytes, cell.byte) : cell.payload
}

/**
 * Writes to every page of fresh memory. The system provides a page only at the first write to it, which takes as long as merging the planes: better
 * that is done now, while other threads work.
 */
function touchPages(fresh: Uint8Array): void {
  for (let at = 0; at < fresh.length; at += PAGE_BYTES) fresh[at] = 0
}

function finish(out: Buffer, { elements, elementBytes, usedBytes }: Layout, tail: Uint8Array): Buffer {
  out.set(tail, elements * elementBytes)
  return out.fill(0, usedBytes)
}

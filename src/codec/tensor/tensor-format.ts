import { corruption, notSupported } from '../../errors.js'

/**
 * What tensor() writes. docs/format.md is its full description.
 *
 *     +--------+-------+-------+------------+---------+-------------------------+-----------+----------+------+
 *     | filter | dtype | inner | blockShift | used    | table                   | [padding] | payloads | tail |
 *     +--------+-------+-------+------------+---------+-------------------------+-----------+----------+------+
 *       u8       u8      u8      u8           u32 LE    u32 LE a cell             to 8
 *
 * The elements are cut into blocks of 2^blockShift, a block into one plane for each byte of an element. A cell is one plane of
 * one block; cells and their payloads are ordered by plane, then by block, so that planes stored raw come first and aligned.
 */

/** Do not change the values of existing entries: they are stored with the data. */
const FILTER_BYTE_PLANES = 1

/** Do not change the ids of existing entries: they are stored with the data. `bytes` is the size of an element. */
export const DTYPES = {
  bf16: { id: 1, bytes: 2 },
  f16: { id: 2, bytes: 2 },
  f32: { id: 3, bytes: 4 },
  f64: { id: 4, bytes: 8 },
  i8: { id: 5, bytes: 1 }
} as const
export type TensorDtype = keyof typeof DTYPES

/** Bits 30-31 of a table entry. 3 is not given yet. */
export const CELL_RAW = 0
/** All bytes of the plane are the one in bits 0-7; there is no payload. */
export const CELL_CONSTANT = 1
/** The payload is what the inner codec made of the plane; bits 0-29 are its length. */
export const CELL_COMPRESSED = 2
const MODE_SHIFT = 30
const ARGUMENT_MASK = 2 ** MODE_SHIFT - 1

const HEADER_BYTES = 8
const ENTRY_BYTES = 4
/** Payloads begin at a multiple of this: raw planes can then be read word by word where they are. */
const PAYLOAD_ALIGNMENT = 8

/** Bounds of blockShift. The lower one keeps whole blocks aligned, the upper one bounds what one call of the inner codec takes. */
const MIN_BLOCK_SHIFT = 10
const MAX_BLOCK_SHIFT = 24

/** How a value is cut up. */
export interface Layout {
  /** The bytes of an element: as many planes as a block has. */
  readonly elementBytes: number
  readonly blockShift: number
  /** Bytes of the value before its trailing zeros. */
  readonly usedBytes: number
  /** How many whole elements there are in these bytes. What is left of the bytes is the tail. */
  readonly elements: number
  readonly blocks: number
}

interface Header {
  readonly dtypeId: number
  readonly innerId: number
  readonly layout: Layout
}

export function layoutOf(elementBytes: number, blockShift: number, usedBytes: number): Layout {
  const elements = Math.floor(usedBytes / elementBytes)
  return { elementBytes, blockShift, usedBytes, elements, blocks: Math.ceil(elements / 2 ** blockShift) }
}

/** How many elements a block has: 2^blockShift, but the last block may have fewer. */
export function elementsIn({ elements, blockShift }: Layout, block: number): number {
  return Math.min(2 ** blockShift, elements - block * 2 ** blockShift)
}

/** The part of a value that is a block. */
export function blockOf(value: Uint8Array, layout: Layout, block: number): Uint8Array {
  const from = block * 2 ** layout.blockShift * layout.elementBytes
  return value.subarray(from, from + elementsIn(layout, block) * layout.elementBytes)
}

/** One plane of one block, as it is stored. */
export type Cell =
  | { readonly mode: typeof CELL_RAW; readonly payload: Uint8Array }
  | { readonly mode: typeof CELL_CONSTANT; readonly byte: number }
  | { readonly mode: typeof CELL_COMPRESSED; readonly payload: Uint8Array }

/** Where the payloads begin, in bytes. */
export function payloadOffset({ blocks, elementBytes }: Layout): number {
  const end = HEADER_BYTES + ENTRY_BYTES * blocks * elementBytes
  return Math.ceil(end / PAYLOAD_ALIGNMENT) * PAYLOAD_ALIGNMENT
}

/**
 * Writes everything but the payloads and the tail.
 *
 * @param cells by plane, then by block
 */
export function writeHeader(out: Buffer, { dtypeId, innerId, layout }: Header, cells: readonly Cell[]): void {
  out.set([FILTER_BYTE_PLANES, dtypeId, innerId, layout.blockShift], 0)
  out.writeUInt32LE(layout.usedBytes, 4)
  let at = HEADER_BYTES
  for (const cell of cells) at = out.writeUInt32LE(tableEntry(cell), at)
  out.fill(0, at, payloadOffset(layout))
}

function tableEntry(cell: Cell): number {
  const argument = cell.mode === CELL_CONSTANT ? cell.byte : cell.mode === CELL_COMPRESSED ? cell.payload.length : 0
  return ((cell.mode << MODE_SHIFT) | argument) >>> 0
}

/**
 * Reads everything but the planes, and checks every length against the others. Allocates nothing but the list of cells, which is
 * no longer than the table in `data`. The payloads share memory with `data`.
 *
 * @throws LEVEL_CORRUPTION for a contradiction, LEVEL_NOT_SUPPORTED for a filter, dtype or mode of a later version
 */
export function readTensor(data: Uint8Array, rawLength: number): { header: Header; cells: Cell[]; tail: Uint8Array } {
  if (data.length < HEADER_BYTES) throw corruption('a tensor shorter than its header')
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const header = readHeader(view, rawLength)
  const { layout } = header
  const count = layout.blocks * layout.elementBytes
  if (HEADER_BYTES + ENTRY_BYTES * count > data.length) throw corruption('a tensor shorter than its table')

  const cells: Cell[] = []
  let at = payloadOffset(layout)
  if (data.subarray(HEADER_BYTES + ENTRY_BYTES * count, at).some(byte => byte !== 0)) {
    throw corruption('a tensor whose padding is not zero')
  }
  for (let i = 0; i < count; i++) {
    const planeBytes = elementsIn(layout, i % layout.blocks)
    const entry = view.getUint32(HEADER_BYTES + ENTRY_BYTES * i, true)
    const { cell, stored } = readCell(entry, planeBytes, data, at)
    cells.push(cell)
    at += stored
  }
  const tailBytes = layout.usedBytes % layout.elementBytes
  if (at + tailBytes !== data.length) throw corruption('a tensor whose payloads do not end where it does')
  return { header, cells, tail: data.subarray(at) }
}

function readHeader(view: DataView, rawLength: number): Header {
  const [filter, dtypeId, innerId, blockShift] = [0, 1, 2, 3].map(at => view.getUint8(at)) as [
    number,
    number,
    number,
    number
  ]
  if (filter !== FILTER_BYTE_PLANES) throw unknown(`filter ${filter}`)
  const dtype = Object.values(DTYPES).find(({ id }) => id === dtypeId)
  if (dtype === undefined) throw unknown(`dtype ${dtypeId}`)
  if (blockShift < MIN_BLOCK_SHIFT || blockShift > MAX_BLOCK_SHIFT) {
    throw corruption(`a tensor in blocks of 2^${blockShift} elements`)
  }
  const usedBytes = view.getUint32(4, true)
  if (usedBytes > rawLength) throw corruption(`a tensor claims ${usedBytes} bytes, its envelope ${rawLength}`)
  return { dtypeId, innerId, layout: layoutOf(dtype.bytes, blockShift, usedBytes) }
}

function readCell(entry: number, planeBytes: number, data: Uint8Array, at: number): { cell: Cell; stored: number } {
  const mode = entry >>> MODE_SHIFT
  const argument = entry & ARGUMENT_MASK
  if (mode === CELL_CONSTANT) {
    if (argument > 0xff) throw corruption('a constant plane of more than a byte')
    return { cell: { mode, byte: argument }, stored: 0 }
  }
  if (mode !== CELL_RAW && mode !== CELL_COMPRESSED) throw unknown(`plane mode ${mode}`)
  if (mode === CELL_RAW && argument !== 0) throw corruption('a raw plane with a length')
  if (mode === CELL_COMPRESSED && argument >= planeBytes) {
    throw corruption(`a plane of ${planeBytes} bytes compressed into ${argument}`)
  }
  const stored = mode === CELL_RAW ? planeBytes : argument
  return { cell: { mode, payload: data.subarray(at, at + stored) }, stored }
}

function unknown(what: string): Error {
  return notSupported(`This tensor was written with ${what}, which this version does not know: upgrade compressed-kv`)
}

import { corruption } from '../../errors.js'
import { BLOCK_AT, LITERALS_AT, roomBytes, roomView } from './zstd-block-room.js'
import { HuffmanTable } from '../zstd-format/huffman-table.js'
import { descriptionBytes } from '../zstd-format/huffman-weights.js'

/* The literals section of a block (RFC 8878, 3.1.1.3.1). */

/** Types of a section: bits 0 and 1 of its first byte. The formats of its sizes are in bits 2 and 3. 1 is one byte over and over. */
const RAW = 0
const COMPRESSED = 2
/** Compressed with the table before, here the dictionary's. */
const TREELESS = 3

/** Where the sizes of three of four streams stand, and of the fourth what is left. */
const JUMP_TABLE_BYTES = 6

/** Literals in the block's room, and where their section ends. */
export interface Literals {
  readonly at: number
  readonly bytes: number
  readonly sectionEnd: number
}

/**
 * Reads the section that a block in the room begins with.
 *
 * @param end of the block
 * @param rawLength of the value: there are no more literals
 * @param known the dictionary's table, if it has one
 * @throws LEVEL_CORRUPTION
 */
export function readLiterals(end: number, rawLength: number, known: HuffmanTable | undefined): Literals {
  if (end === BLOCK_AT) throw corruption('an empty block')
  const first = roomBytes[BLOCK_AT]!
  const type = first & 3
  const format = (first >> 2) & 3
  if (type === COMPRESSED || type === TREELESS) return readCompressed(type, format, end, rawLength, known)

  const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1
  const at = BLOCK_AT + headerBytes
  const header = roomView.getUint32(BLOCK_AT, true)
  const bytes = headerBytes === 1 ? first >> 3 : (header & (2 ** (8 * headerBytes) - 1)) >> 4
  if (bytes > rawLength) throw corruption('more literals than the value has bytes')
  const sectionEnd = at + (type === RAW ? bytes : 1)
  if (sectionEnd > end) throw corruption('literals that are cut short')
  if (type === RAW) return { at, bytes, sectionEnd }
  roomBytes.fill(roomBytes[at]!, LITERALS_AT, LITERALS_AT + bytes)
  return { at: LITERALS_AT, bytes, sectionEnd }
}

function readCompressed(
  type: typeof COMPRESSED | typeof TREELESS,
  format: number,
  end: number,
  rawLength: number,
  known: HuffmanTable | undefined
): Literals {
  // Both sizes have 10, 10, 14 or 18 bits, behind the four of type and format.
  const headerBytes = format === 3 ? 5 : format === 2 ? 4 : 3
  const sizeBits = format === 3 ? 18 : format === 2 ? 14 : 10
  const low = roomView.getUint32(BLOCK_AT, true)
  const bytes = (low >>> 4) & (2 ** sizeBits - 1)
  const compressedBytes =
    format === 3 ? (low >>> 22) | (roomBytes[BLOCK_AT + 4]! << 10) : (low >>> (4 + sizeBits)) & (2 ** sizeBits - 1)
  if (bytes > rawLength) throw corruption('more literals than the value has bytes')
  let from = BLOCK_AT + headerBytes
  const sectionEnd = from + compressedBytes
  if (sectionEnd > end) throw corruption('literals that are cut short')

  let table = known
  if (type === COMPRESSED) {
    const length = descriptionBytes(roomBytes[from]!)
    if (length > compressedBytes) throw corruption('a description of a code that is cut short')
    table = new HuffmanTable(roomBytes.subarray(from, from + length))
    from += length
  }
  if (table === undefined) throw corruption('literals that need the table of a dictionary that has none')
  if (format === 0) table.readStream(roomBytes, roomView, from, sectionEnd, LITERALS_AT, bytes)
  else readFourStreams(table, from, sectionEnd, bytes)
  return { at: LITERALS_AT, bytes, sectionEnd }
}

/** The first three have a quarter of the literals each, rounded up, and the last the rest. */
function readFourStreams(table: HuffmanTable, from: number, to: number, bytes: number): void {
  const share = (bytes + 3) >> 2
  if (to - from < JUMP_TABLE_BYTES || 3 * share > bytes)
    throw corruption('literals that are not enough for four streams')
  let at = LITERALS_AT
  let begin = from + JUMP_TABLE_BYTES
  for (let stream = 0; stream < 3; stream++, at += share) {
    const end = begin + roomView.getUint16(from + 2 * stream, true)
    if (end > to) throw corruption('a stream of literals that is cut short')
    table.readStream(roomBytes, roomView, begin, end, at, share)
    begin = end
  }
  table.readStream(roomBytes, roomView, begin, to, at, bytes - 3 * share)
}

import { decodingTable, type Distribution } from './fse-distribution.js'
import {
  LITERAL_LENGTH_BITS,
  LITERAL_LENGTH_CODES,
  MATCH_LENGTH_BITS,
  MATCH_LENGTH_CODES,
  MIN_MATCH_BYTES,
  OFFSET_CODES
} from './zstd-codes.js'

/** A table that decodes one of the three numbers of a sequence. */
export interface SequenceTable {
  readonly accuracyLog: number
  /** {@link CELL_BYTES} for each state. */
  readonly cells: Uint8Array
}

/** How many cells the largest table has. */
export const MAX_CELLS = 512
export const CELL_BYTES = 8
/** In a cell, a u16: the next state is this plus the value of the next bits. */
export const NEXT_STATE_AT = 0
/** In a cell, a byte: how many those bits are. */
export const STATE_BITS_AT = 2
/** In a cell, a byte: how many extra bits are added to the smallest number that the state's code stands for. */
export const EXTRA_BITS_AT = 3
/** In a cell, a u32: that smallest number. */
export const SMALLEST_AT = 4

/** One of the three numbers, and what its codes stand for. */
export interface SequenceField {
  readonly codes: number
  /** The largest table that a decoder takes, in bits. */
  readonly maxAccuracyLog: number
  /** By code: how many extra bits it has. */
  readonly extraBits: ArrayLike<number>
  /** By code: the smallest number that it stands for. */
  readonly smallest: ArrayLike<number>
}

export const LITERAL_LENGTHS: SequenceField = {
  codes: LITERAL_LENGTH_CODES,
  maxAccuracyLog: 9,
  extraBits: LITERAL_LENGTH_BITS,
  smallest: smallestOf(LITERAL_LENGTH_BITS, 0)
}
export const MATCH_LENGTHS: SequenceField = {
  codes: MATCH_LENGTH_CODES,
  maxAccuracyLog: 9,
  extraBits: MATCH_LENGTH_BITS,
  smallest: smallestOf(MATCH_LENGTH_BITS, MIN_MATCH_BYTES)
}
/** An offset's code is the number of its extra bits. */
export const OFFSETS: SequenceField = {
  codes: OFFSET_CODES,
  maxAccuracyLog: 8,
  extraBits: Array.from({ length: OFFSET_CODES }, (_, code) => code),
  smallest: Array.from({ length: OFFSET_CODES }, (_, code) => 2 ** code)
}

/** @param distribution of symbols that are codes of the field */
export function sequenceTable(distribution: Distribution, field: SequenceField): SequenceTable {
  const { accuracyLog, symbols, bits, bases } = decodingTable(distribution)
  const cells = Buffer.alloc(CELL_BYTES * symbols.length)
  symbols.forEach((code, state) => {
    const at = CELL_BYTES * state
    cells.writeUInt16LE(bases[state]!, at + NEXT_STATE_AT)
    cells[at + STATE_BITS_AT] = bits[state]!
    setCode(cells, at, code, field)
  })
  return { accuracyLog, cells }
}

/** The table for sequences that all have the same code, which takes no bits. */
export function tableOfOne(code: number, field: SequenceField): SequenceTable {
  const cells = Buffer.alloc(CELL_BYTES)
  setCode(cells, 0, code, field)
  return { accuracyLog: 0, cells }
}

function setCode(cells: Buffer, at: number, code: number, { extraBits, smallest }: SequenceField): void {
  cells[at + EXTRA_BITS_AT] = extraBits[code]!
  cells.writeUInt32LE(smallest[code]!, at + SMALLEST_AT)
}

/** Each code stands for 2^bits numbers, which follow those of the code before it. */
function smallestOf(extraBits: Uint8Array, first: number): number[] {
  let next = first
  return Array.from(extraBits, bits => (next += 2 ** bits) - 2 ** bits)
}

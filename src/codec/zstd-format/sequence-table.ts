import { decodingTable, type Distribution } from './fse-distribution.js'
import {
  LITERAL_LENGTH_BITS,
  LITERAL_LENGTH_CODES,
  MATCH_LENGTH_BITS,
  MATCH_LENGTH_CODES,
  MIN_MATCH_BYTES,
  OFFSET_CODES
} from './zstd-codes.js'

/** What decodes one of the three numbers of a sequence. */
export interface SequenceTable {
  readonly accuracyLog: number
  /** Two numbers a state: what a state is packed into, by the constants below, and the smallest number that its code stands for. */
  readonly cells: Int32Array
}

/** Bits 0 to 15 of a cell: what the next bits are added to for the next state. */
export const NEXT_STATE_MASK = 0xffff
/** Bits 16 to 23: how many bits these are. */
export const STATE_BITS_SHIFT = 16
export const STATE_BITS_MASK = 0xff
/** Bits 24 to 28: how many bits are added to the smallest number. */
export const EXTRA_BITS_SHIFT = 24

/** One of the three numbers, and what its codes stand for. */
export interface SequenceField {
  readonly codes: number
  /** The largest table that a decoder takes, in bits. */
  readonly maxAccuracyLog: number
  /** By code. */
  readonly extraBits: ArrayLike<number>
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
export function sequenceTable(distribution: Distribution, { extraBits, smallest }: SequenceField): SequenceTable {
  const { accuracyLog, symbols, bits, bases } = decodingTable(distribution)
  const cells = new Int32Array(2 * symbols.length)
  for (let state = 0; state < symbols.length; state++) {
    const code = symbols[state]!
    cells[2 * state] = bases[state]! | (bits[state]! << STATE_BITS_SHIFT) | (extraBits[code]! << EXTRA_BITS_SHIFT)
    cells[2 * state + 1] = smallest[code]!
  }
  return { accuracyLog, cells }
}

/** Where all sequences have the same code, which takes no bits. */
export function tableOfOne(code: number, { extraBits, smallest }: SequenceField): SequenceTable {
  return { accuracyLog: 0, cells: Int32Array.of(extraBits[code]! << EXTRA_BITS_SHIFT, smallest[code]!) }
}

/** Each code stands for 2^bits numbers, which follow those of the code before. */
function smallestOf(extraBits: Uint8Array, first: number): number[] {
  let next = first
  return Array.from(extraBits, bits => (next += 2 ** bits) - 2 ** bits)
}

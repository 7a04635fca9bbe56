/**
 * Zstandard writes lengths and offsets as a code, which is entropy-coded, and extra bits, which are not (RFC 8878, 3.1.1.3.2.1.1).
 */

/** By code of a literal length: how many extra bits it has. Codes below 16 stand for one length each. */
export const LITERAL_LENGTH_BITS = extraBits(16, '1 1 1 1 2 2 3 3 4 6 7 8 9 10 11 12 13 14 15 16')
/** By code of a match length: how many extra bits it has. Codes below 32 stand for the lengths from 3 to 34. */
export const MATCH_LENGTH_BITS = extraBits(32, '1 1 1 1 2 2 3 3 4 4 5 7 8 9 10 11 12 13 14 15 16')

function extraBits(codesOfNone: number, ofOthers: string): Uint8Array {
  return Uint8Array.of(...Array<number>(codesOfNone).fill(0), ...ofOthers.split(' ').map(Number))
}

/** The most bytes that a block of a frame decodes to (RFC 8878, 3.1.1.2.4). */
export const MAX_BLOCK_BYTES = 128 * 1024
/** The length of the shortest match. */
export const MIN_MATCH_BYTES = 3
export const LITERAL_LENGTH_CODES = 36
export const MATCH_LENGTH_CODES = 53
/** Offset values are below 2^32. */
export const OFFSET_CODES = 32
/** Offset values 1 to 3 stand for the offsets used last; this is added to a new offset. */
export const REPEAT_OFFSETS = 3

/** From these numbers on, a code stands for all numbers with the same highest bit. Codes of smaller numbers are looked up. */
export const LITERAL_LENGTHS_BY_BIT = 64
export const MATCH_LENGTHS_BY_BIT = 128
const LITERAL_LENGTH_CODE = codesOf(LITERAL_LENGTH_BITS, LITERAL_LENGTHS_BY_BIT)
const MATCH_LENGTH_CODE = codesOf(MATCH_LENGTH_BITS, MATCH_LENGTHS_BY_BIT)

export function literalLengthCode(length: number): number {
  return length < LITERAL_LENGTHS_BY_BIT ? LITERAL_LENGTH_CODE[length]! : 19 + highestBit(length)
}

export function matchLengthCode(length: number): number {
  const above = length - MIN_MATCH_BYTES
  return above < MATCH_LENGTHS_BY_BIT ? MATCH_LENGTH_CODE[above]! : 36 + highestBit(above)
}

/** The code of an offset value, and the number of its extra bits. */
export function offsetCode(offsetValue: number): number {
  return highestBit(offsetValue)
}

function highestBit(value: number): number {
  return 31 - Math.clz32(value)
}

/** Each code stands for 2^bits numbers, which follow those of the code before it. */
function codesOf(bitsByCode: Uint8Array, numbers: number): Uint8Array {
  const codes = new Uint8Array(numbers)
  let number = 0
  for (const [code, bits] of bitsByCode.entries()) {
    for (const end = number + 2 ** bits; number < Math.min(end, numbers); number++) codes[number] = code
  }
  return codes
}

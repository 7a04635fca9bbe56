/**
 * Zstandard writes lengths and offsets as a code, which is entropy-coded, and extra bits, which are not (RFC 8878, 3.1.1.3.2.1.1).
 */

/** Codes from `first` on stand for ranges: the smallest length of each, and how many extra bits tell where in it a length is. */
interface Ranges {
  readonly first: number
  readonly smallest: readonly number[]
  readonly extraBits: readonly number[]
}

const LITERAL_LENGTHS: Ranges = {
  first: 16,
  smallest: [16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536],
  extraBits: [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
}
const MATCH_LENGTHS: Ranges = {
  first: 32,
  smallest: [35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539],
  extraBits: [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
}

/** No match is shorter. */
export const MIN_MATCH_BYTES = 3
export const LITERAL_LENGTH_CODES = 36
export const MATCH_LENGTH_CODES = 53
/** No offset has a code of its own above 2^31. */
export const OFFSET_CODES = 32
/** Offset values 1 to 3 stand for the offsets used last; a new offset is written plus this. */
export const REPEAT_OFFSETS = 3

export function literalLengthCode(length: number): number {
  return length < 16 ? length : rangeOf(LITERAL_LENGTHS, length)
}

export function literalLengthExtraBits(code: number): number {
  return LITERAL_LENGTHS.extraBits[code - LITERAL_LENGTHS.first] ?? 0
}

export function matchLengthCode(length: number): number {
  return length < 35 ? length - MIN_MATCH_BYTES : rangeOf(MATCH_LENGTHS, length)
}

export function matchLengthExtraBits(code: number): number {
  return MATCH_LENGTHS.extraBits[code - MATCH_LENGTHS.first] ?? 0
}

/** The code of an offset value, and the number of its extra bits. */
export function offsetCode(offsetValue: number): number {
  return 31 - Math.clz32(offsetValue)
}

function rangeOf({ first, smallest }: Ranges, length: number): number {
  let range = 0
  while (range + 1 < smallest.length && smallest[range + 1]! <= length) range++
  return first + range
}

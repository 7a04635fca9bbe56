import {
  LITERAL_LENGTH_BITS,
  LITERAL_LENGTH_CODES,
  literalLengthCode,
  MATCH_LENGTH_BITS,
  MATCH_LENGTH_CODES,
  matchLengthCode,
  OFFSET_CODES,
  offsetCode
} from '../zstd-format/zstd-codes.js'
import type { SymbolCounts } from './dictionary-format.js'
import type { Sequences } from './dictionary-matcher.js'

/** About how much a frame takes beside literals and sequences: for headers of the frame, its block and sections, and for states of the coder. */
const FRAME_BITS = 13 * 8

/** Counts the symbols that Zstandard would write for what a matcher found, and the bits that they would take. */
export class DictionaryStatistics implements SymbolCounts {
  readonly literals = new Uint32Array(256)
  readonly offsetCodes = new Uint32Array(OFFSET_CODES)
  readonly matchLengthCodes = new Uint32Array(MATCH_LENGTH_CODES)
  readonly literalLengthCodes = new Uint32Array(LITERAL_LENGTH_CODES)
  #extraBits = 0
  #samples = 0

  add({ count, literalLengths, matchLengths, offsetValues, literals, literalBytes }: Sequences): void {
    this.#samples++
    for (let i = 0; i < literalBytes; i++) this.literals[literals[i]!]!++
    for (let i = 0; i < count; i++) {
      const literalLength = literalLengthCode(literalLengths[i]!)
      const matchLength = matchLengthCode(matchLengths[i]!)
      const offset = offsetCode(offsetValues[i]!)
      this.literalLengthCodes[literalLength]!++
      this.matchLengthCodes[matchLength]!++
      this.offsetCodes[offset]!++
      this.#extraBits += LITERAL_LENGTH_BITS[literalLength]! + MATCH_LENGTH_BITS[matchLength]! + offset
    }
  }

  /** The size of all frames, in bits, with tables that are made from these counts. */
  get bits(): number {
    return (
      this.#samples * FRAME_BITS +
      this.#extraBits +
      Math.max(tableBits(this.literals), sum(this.literals)) +
      tableBits(this.offsetCodes) +
      tableBits(this.matchLengthCodes) +
      tableBits(this.literalLengthCodes)
    )
  }
}

/** How many bits the symbols take. Every symbol has a place in its table, as if it had occurred once more. */
function tableBits(counts: Uint32Array): number {
  const total = sum(counts) + counts.length
  let bits = 0
  for (const count of counts) bits -= count * Math.log2((count + 1) / total)
  return bits
}

function sum(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0)
}

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
import type { Sequences } from '../zstd-format/zstd-sequences.js'
import type { SymbolCounts } from './dictionary-format.js'

/** What a frame takes beside literals and sequences, about: headers of frame, block and sections, coder states. */
const FRAME_BITS = 13 * 8

/** Counts which symbols Zstandard would write for what a matcher found, and the bits they would take. */
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

  /** Size of all frames, in bits, with tables made of these counts. */
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

/** Every symbol has a place in the tables, as if it had occurred once more. */
function tableBits(counts: Uint32Array): number {
  const total = sum(counts) + counts.length
  let bits = 0
  for (const count of counts) bits -= count * Math.log2((count + 1) / total)
  return bits
}

function sum(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0)
}

import type { SymbolCounts } from './dictionary-format.js'
import type { SequenceSink } from './dictionary-matcher.js'
import {
  LITERAL_LENGTH_CODES,
  literalLengthCode,
  literalLengthExtraBits,
  MATCH_LENGTH_CODES,
  matchLengthCode,
  matchLengthExtraBits,
  OFFSET_CODES,
  offsetCode,
  REPEAT_OFFSETS
} from './zstd-codes.js'

/** About what a frame takes beside literals and sequences: headers of frame, block and sections, coder states. */
const FRAME_BITS = 13 * 8

/** Counts which symbols Zstandard would write for what a matcher found, and the bits they would take. */
export class DictionaryStatistics implements SymbolCounts, SequenceSink {
  readonly literals = new Uint32Array(256)
  readonly offsetCodes = new Uint32Array(OFFSET_CODES)
  readonly matchLengthCodes = new Uint32Array(MATCH_LENGTH_CODES)
  readonly literalLengthCodes = new Uint32Array(LITERAL_LENGTH_CODES)
  #extraBits = 0
  #samples = 0
  /** The offsets used last in this sample, the last one first. */
  #offset1 = 0
  #offset2 = 0
  #offset3 = 0

  beginSample(): void {
    this.#offset1 = 1
    this.#offset2 = 4
    this.#offset3 = 8
    this.#samples++
  }

  sequence(window: Uint8Array, literalsFrom: number, matchFrom: number, matchTo: number, offset: number): void {
    this.lastLiterals(window, literalsFrom, matchFrom)
    const literalLength = literalLengthCode(matchFrom - literalsFrom)
    const matchLength = matchLengthCode(matchTo - matchFrom)
    const offsetValue = offsetCode(this.#offsetValue(offset, matchFrom > literalsFrom))
    this.literalLengthCodes[literalLength]!++
    this.matchLengthCodes[matchLength]!++
    this.offsetCodes[offsetValue]!++
    this.#extraBits += literalLengthExtraBits(literalLength) + matchLengthExtraBits(matchLength) + offsetValue
  }

  lastLiterals(window: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; at++) this.literals[window[at]!]!++
  }

  /** What all of it takes, in bits, with tables made of these counts. */
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

  /** RFC 8878, 3.1.1.5: an offset used just before is written as its place; without literals between, counted from the second. */
  #offsetValue(offset: number, hasLiterals: boolean): number {
    const place = offset === this.#offset1 ? 1 : offset === this.#offset2 ? 2 : offset === this.#offset3 ? 3 : 0
    const isNew = place === 0 || (place === 1 && !hasLiterals)
    if (isNew || place === 3) this.#offset3 = this.#offset2
    if (isNew || place >= 2) this.#offset2 = this.#offset1
    this.#offset1 = offset
    if (isNew) return offset + REPEAT_OFFSETS
    return hasLiterals ? place : place - 1
  }
}

/** Every symbol has a place in the tables, as if it had come once more. */
function tableBits(counts: Uint32Array): number {
  const total = sum(counts) + counts.length
  let bits = 0
  for (const count of counts) bits -= count * Math.log2((count + 1) / total)
  return bits
}

function sum(counts: Uint32Array): number {
  return counts.reduce((total, count) => total + count, 0)
}

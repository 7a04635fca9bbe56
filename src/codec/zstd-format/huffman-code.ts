import { longestCodeBits, MAX_CODE_BITS, readWeights } from './huffman-weights.js'

/** A Huffman code, ready to write with. */
export class HuffmanCode {
  /** By byte: the length of its code, 0 if it has none. */
  readonly bits = new Uint8Array(256)
  readonly codes = new Uint16Array(256)

  /**
   * Codes are assigned by weight, the longest first, and for the same weight by byte (RFC 8878, 4.2.1.3).
   *
   * @throws LEVEL_CORRUPTION if the description is damaged
   */
  constructor(description: Uint8Array) {
    const weights = readWeights(description)
    const longest = longestCodeBits(weights)
    let next = 0
    for (let weight = 1; weight <= longest; weight++) {
      for (let byte = 0; byte < weights.length; byte++) {
        if (weights[byte] !== weight) continue
        this.bits[byte] = longest + 1 - weight
        this.codes[byte] = next++
      }
      next >>= 1
    }
  }

  get hasAllBytes(): boolean {
    return this.bits.every(bits => bits > 0)
  }
}

/** Entries of a decoding table: one for each value of the next {@link MAX_CODE_BITS} bits. */
export const HUFFMAN_ENTRIES = 2 ** MAX_CODE_BITS
/** An entry's low byte is the length of the code that the bits begin with, its high byte the byte that the code stands for. */
export const CODE_BITS_MASK = 0xff
const BYTE_SHIFT = 8

/**
 * Sets a decoding table to the code that is described.
 *
 * @param entries all are set, or none if this throws
 * @param description a whole one
 * @throws LEVEL_CORRUPTION if it describes no code
 */
export function setHuffmanTable(entries: Uint16Array, description: Uint8Array): void {
  const { bits, codes } = new HuffmanCode(description)
  for (let byte = 0; byte < bits.length; byte++) {
    const length = bits[byte]!
    if (length === 0) continue
    const begin = codes[byte]! << (MAX_CODE_BITS - length)
    entries.fill(length | (byte << BYTE_SHIFT), begin, begin + 2 ** (MAX_CODE_BITS - length))
  }
}

import { longestCodeBits, readWeights } from './huffman-weights.js'

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

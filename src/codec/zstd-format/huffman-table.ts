import { longestCodeBits, MAX_CODE_BITS, readWeights } from './huffman-weights.js'

/** Entries of a decoding table: one for each value of the next {@link MAX_CODE_BITS} bits. */
export const HUFFMAN_ENTRIES = 2 ** MAX_CODE_BITS
/** An entry's low byte is the length of the code that the bits begin with, its high byte the byte that the code stands for. */
export const CODE_BITS_MASK = 0xff
const BYTE_SHIFT = 8

/**
 * Codes are assigned by weight, the longest first, and for the same weight by byte (RFC 8878, 4.2.1.3).
 *
 * @param description one, whole
 * @param entries all are set, or none if it throws
 * @throws LEVEL_CORRUPTION if it describes no code
 */
export function setHuffmanTable(entries: Uint16Array, description: Uint8Array): void {
  const weights = readWeights(description)
  const longest = longestCodeBits(weights)
  let next = 0
  for (let weight = 1; weight <= longest; weight++) {
    const bits = longest + 1 - weight
    for (let byte = 0; byte < weights.length; byte++) {
      if (weights[byte] !== weight) continue
      const end = next + 2 ** (MAX_CODE_BITS - bits)
      entries.fill(bits | (byte << BYTE_SHIFT), next, end)
      next = end
    }
  }
}

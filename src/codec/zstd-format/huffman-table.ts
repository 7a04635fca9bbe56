import { MAX_CODE_BITS, readWeights } from './huffman-weights.js'

/** A Huffman code that is ready to be read has so many entries, one for whatever the next {@link MAX_CODE_BITS} bits are. */
export const HUFFMAN_ENTRIES = 2 ** MAX_CODE_BITS
/** In an entry's low byte stands how many of the bits are a code, in its high byte the byte that it stands for. */
export const CODE_BITS_MASK = 0xff
const BYTE_SHIFT = 8

/**
 * Codes are given out by weight, the longest first, and for the same weight by byte (RFC 8878, 4.2.1.3).
 *
 * @param description one, whole
 * @param entries all are set, or none
 * @throws LEVEL_CORRUPTION if it describes no code
 */
export function setHuffmanTable(entries: Uint16Array, description: Uint8Array): void {
  const weights = readWeights(description)
  const longest = 32 - Math.clz32(weights.reduce((sum, weight) => sum + (weight > 0 ? 2 ** (weight - 1) : 0), 0) - 1)
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

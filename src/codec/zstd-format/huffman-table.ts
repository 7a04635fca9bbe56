import { HuffmanCode } from './huffman-code.js'
import { MAX_CODE_BITS } from './huffman-weights.js'

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

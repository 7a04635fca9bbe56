import { corruption } from '../../errors.js'
import { BITS_AT_ONCE, streamEnd } from './backward-stream.js'
import { MAX_CODE_BITS, readWeights } from './huffman-weights.js'

const CODE_MASK = 2 ** MAX_CODE_BITS - 1

/** A Huffman code, ready to be read. */
export class HuffmanTable {
  /** By the next {@link MAX_CODE_BITS} bits: the byte that they begin with, and in bits 8 to 11 how many of them are its code. */
  readonly #entries = new Uint16Array(2 ** MAX_CODE_BITS)

  /**
   * Codes are given out by weight, the longest first, and for the same weight by byte (RFC 8878, 4.2.1.3).
   *
   * @param description one, whole
   * @throws LEVEL_CORRUPTION if it describes no code
   */
  constructor(description: Uint8Array) {
    const weights = readWeights(description)
    const longest = 32 - Math.clz32(weights.reduce((sum, weight) => sum + (weight > 0 ? 2 ** (weight - 1) : 0), 0) - 1)
    let next = 0
    for (let weight = 1; weight <= longest; weight++) {
      const bits = longest + 1 - weight
      for (let byte = 0; byte < weights.length; byte++) {
        if (weights[byte] !== weight) continue
        const end = next + 2 ** (MAX_CODE_BITS - bits)
        this.#entries.fill(byte | (bits << 8), next, end)
        next = end
      }
    }
  }

  /**
   * Restores `count` bytes from a stream, to `bytes` from `at` on.
   *
   * @param view of the same memory as `bytes`
   * @throws LEVEL_CORRUPTION if the stream is of another length
   */
  readStream(bytes: Uint8Array, view: DataView, from: number, to: number, at: number, count: number): void {
    const entries = this.#entries
    const begin = from * 8
    let position = streamEnd(bytes, from, to)
    const end = at + count
    // Two codes are at most 22 bits.
    for (const lastPair = end - 1; at < lastPair;) {
      const low = position - BITS_AT_ONCE
      if (position < begin) break
      const bits = view.getInt32(low >> 3, true) >> (low & 7)
      const first = entries[(bits >> (BITS_AT_ONCE - MAX_CODE_BITS)) & CODE_MASK]!
      const firstBits = first >> 8
      const second = entries[(bits >> (BITS_AT_ONCE - MAX_CODE_BITS - firstBits)) & CODE_MASK]!
      bytes[at++] = first
      bytes[at++] = second
      position -= firstBits + (second >> 8)
    }
    if (at < end && position >= begin) {
      const low = position - MAX_CODE_BITS
      const entry = entries[(view.getInt32(low >> 3, true) >> (low & 7)) & CODE_MASK]!
      bytes[at++] = entry
      position -= entry >> 8
    }
    if (at < end || position !== begin) throw corruption('a stream of literals that does not fit them')
  }
}

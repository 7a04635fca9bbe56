/** The most bytes that may be counted. */
export const MAX_COUNTED = 2048

/** n * log2(n), in a table: to take a logarithm for each byte value would take longer than all the counting. */
const N_LOG_N = Float64Array.from({ length: MAX_COUNTED + 1 }, (_, n) => (n === 0 ? 0 : n * Math.log2(n)))

/**
 * Order-0 entropy: how many bits a byte takes if each byte is coded independently of the others.
 *
 * @param counts by byte value
 * @param total of the counts, 1 to {@link MAX_COUNTED}
 */
export function bitsPerByte(counts: Uint16Array, total: number): number {
  let sum = 0
  for (let byte = 0; byte < 256; byte++) sum += N_LOG_N[counts[byte]!]!
  return Math.log2(total) - sum / total
}

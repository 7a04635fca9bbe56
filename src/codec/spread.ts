const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/**
 * Place number `i` of any number of places from 0 to `length` - 1. Places are multiples of the golden ratio, modulo 1: spread evenly, but not at regular
 * distances. At equal distances, all samples could fall on the same token of every sequence, and mantissas would look compressible.
 */
export function spreadOver(length: number, i: number): number {
  return Math.floor(((i * GOLDEN_RATIO) % 1) * length)
}

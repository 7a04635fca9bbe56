const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/**
 * Place number `i` of any number of places in 0 to `length` - 1. They are the multiples of the golden ratio, modulo 1: spread evenly,
 * but at no regular distance. At equal distances samples can fall on the same token of every sequence, and make mantissas look compressible.
 */
export function spreadOver(length: number, i: number): number {
  return Math.floor(((i * GOLDEN_RATIO) % 1) * length)
}

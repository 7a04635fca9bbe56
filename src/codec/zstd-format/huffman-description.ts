import { describeWeights, MAX_CODE_BITS } from './huffman-weights.js'

const SYMBOLS = 256

const NEARLY_FLAT = Array.from({ length: SYMBOLS }, (_, byte) => (byte === 0 ? 4 : byte === 1 || byte === 2 ? 1 : 2))

/**
 * The Huffman code for bytes of these counts, as a Huffman tree description (RFC 8878, 4.2.1): the weights of bytes 0 to 254, from which the
 * last weight follows.
 *
 * @param counts of all 256 bytes, each above 0: encoders use a table without checking each value only if it has a code for every byte
 */
export function describeHuffmanCode(counts: readonly number[]): Uint8Array {
  const weights = weightsOf(codeLengths(counts, MAX_CODE_BITS))
  // If all bytes are equally frequent, all weights are the same, which the format cannot express: a code that is nearly flat has to do.
  const written = weights.every(weight => weight === weights[0])
    ? weightsOf(codeLengths(NEARLY_FLAT, MAX_CODE_BITS))
    : weights
  return describeWeights(written.slice(0, -1))
}

/** Lengths become weights: the longest code has weight 1. */
function weightsOf(lengths: readonly number[]): number[] {
  const longest = Math.max(...lengths)
  return lengths.map(length => longest + 1 - length)
}

/** A symbol, or two packages taken together. */
type Package = { readonly count: number } & (
  | { readonly symbol: number }
  | { readonly pair: readonly [Package, Package] }
)

/**
 * The lengths of the best prefix code in which none is above `maxBits`, by the package-merge algorithm (Larmore and Hirschberg, 1990).
 * A symbol's code has one bit for each of the cheapest 2n - 2 packages that it is in.
 *
 * @param counts two or more, at most 2^maxBits
 */
export function codeLengths(counts: readonly number[], maxBits: number): number[] {
  const byCount = (a: Package, b: Package) => a.count - b.count
  const singles: Package[] = counts.map((count, symbol) => ({ count, symbol })).sort(byCount)
  let packages = singles
  for (let bits = 1; bits < maxBits; bits++) {
    const pairs: Package[] = []
    for (let i = 0; i + 1 < packages.length; i += 2) {
      const pair = [packages[i]!, packages[i + 1]!] as const
      pairs.push({ count: pair[0].count + pair[1].count, pair })
    }
    packages = [...singles, ...pairs].sort(byCount)
  }

  const lengths = counts.map(() => 0)
  const addTo = (part: Package) => {
    if ('symbol' in part) lengths[part.symbol]!++
    else part.pair.forEach(addTo)
  }
  packages.slice(0, 2 * counts.length - 2).forEach(addTo)
  return lengths
}

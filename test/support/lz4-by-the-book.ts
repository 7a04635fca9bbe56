/** What a block restores to, and whether it ends as the format has it. */
interface ByTheBook {
  readonly raw: Buffer
  /** The last match begins 12 bytes or more before the end, and the last 5 bytes are literals: some decoders rely on it. */
  readonly endsWell: boolean
}

/**
 * LZ4 blocks as their format is written down (github.com/lz4/lz4, doc/lz4_Block_format.md), a byte at a time.
 *
 * @returns undefined for what is not a block, or restores to more than `maxBytes`
 */
export function restoredByTheBook(block: Uint8Array, dictionary: Uint8Array, maxBytes: number): ByTheBook | undefined {
  const base = dictionary.length
  const out = Buffer.alloc(base + maxBytes)
  out.set(dictionary)
  // A property, and not a variable: V8 14.6, in Node.js 26, may go on with an old value of one that an inner function changes in a loop.
  const from = { at: 0 }
  let to = base
  let lastMatch: number | undefined
  /** NaN where the block ends too early. */
  const length = (bits: number): number => {
    if (bits < 15) return bits
    let sum = bits
    for (;;) {
      const byte = block[from.at++] ?? Number.NaN
      sum += byte
      if (byte !== 255) return sum
    }
  }
  for (;;) {
    const token = block[from.at++]
    if (token === undefined) return undefined
    const literals = length(token >>> 4)
    if (!(from.at + literals <= block.length && to + literals <= out.length)) return undefined
    out.set(block.subarray(from.at, from.at + literals), to)
    from.at += literals
    to += literals
    if (from.at === block.length) {
      const endsWell = lastMatch === undefined || (literals >= 5 && to - lastMatch >= 12)
      return { raw: out.subarray(base, to), endsWell }
    }
    if (from.at + 2 > block.length) return undefined
    const offset = block[from.at]! | (block[from.at + 1]! << 8)
    from.at += 2
    const matched = length(token & 15) + 4
    if (offset === 0 || offset > to || !(to + matched <= out.length)) return undefined
    lastMatch = to
    for (const end = to + matched; to < end; to++) out[to] = out[to - offset]!
  }
}

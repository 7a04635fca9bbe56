const LINE = '2024-03-01T10:00:00Z level=info path=/api/v1/items status=200 bytes=5120\n'

/** Log lines, `length` bytes of them: they compress well. */
export function text(length: number): Buffer {
  return Buffer.alloc(length, LINE)
}

/** Bytes that do not compress, the same ones for the same length and seed (Marsaglia's xorshift32). */
export function noise(length: number, seed = 0x9e3779b9): Buffer {
  const out = Buffer.allocUnsafe(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    out[i] = state
  }
  return out
}

/** `bytes` with one bit flipped, for every bit in turn. The buffer is the same one each time. */
export function* everyBitFlipped(bytes: Buffer): Generator<{ bit: number; flipped: Buffer }> {
  const flipped = Buffer.from(bytes)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    flipped[bit >>> 3]! ^= 1 << (bit & 7)
    yield { bit, flipped }
    flipped[bit >>> 3]! ^= 1 << (bit & 7)
  }
}

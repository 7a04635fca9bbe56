/** Numbers that look random and are the same on every run: from 0 to below 1 (mulberry32, public domain, Tommy Ettinger). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function randomBytes(length: number, seed: number): Buffer {
  const next = seeded(seed)
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = next() * 256
  return bytes
}

/** Normally distributed bf16 numbers, little-endian: they stand for a tensor if there is no real one. */
export function gaussianBf16(bytes: number, seed: number): Buffer {
  const next = seeded(seed)
  const float = new Float32Array(1)
  const bits = new Uint32Array(float.buffer)
  const tensor = Buffer.alloc(bytes)
  for (let at = 0; at < bytes; at += 2) {
    // The method of Box and Muller. bf16 is the upper half of a 32-bit float.
    float[0] = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
    tensor.writeUInt16LE(bits[0]! >>> 16, at)
  }
  return tensor
}

/** 0 to count - 1 in random order. */
export function shuffled(count: number, seed: number): number[] {
  const next = seeded(seed)
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}

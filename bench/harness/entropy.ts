/** Order-0 entropy: how many bits a byte takes if each is coded on its own. Noise has 8, English text about 4.5. */
export function bitsPerByte(values: readonly Uint8Array[]): number {
  const counts = new Float64Array(256)
  let total = 0
  for (const value of values) {
    for (const byte of value) counts[byte]!++
    total += value.length
  }
  let bits = 0
  for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total)
  return bits
}

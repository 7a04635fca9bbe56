/** LEB128: seven bits a byte, low ones first, the high bit says that more follow. Lengths up to 2^32 - 1 take at most five bytes. */
export const MAX_VARINT_BYTES = 5

export function varintBytes(number: number): number {
  return number < 0x80 ? 1 : number < 0x4000 ? 2 : number < 0x20_0000 ? 3 : number < 0x1000_0000 ? 4 : 5
}

/** @returns the offset after it */
export function writeVarint(into: Uint8Array, at: number, number: number): number {
  let rest = number
  while (rest > 0x7f) {
    into[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  into[at++] = rest
  return at
}

/** Writes fields of up to 24 bits one behind the other, least significant bit first: how every bit stream of Zstandard is laid out. */
export class BitWriter {
  readonly #bytes: number[] = []
  #pending = 0
  #pendingBits = 0

  /** @param value below 2^bits */
  add(value: number, bits: number): void {
    this.#pending |= value << this.#pendingBits
    this.#pendingBits += bits
    for (; this.#pendingBits >= 8; this.#pendingBits -= 8) {
      this.#bytes.push(this.#pending & 0xff)
      this.#pending >>>= 8
    }
  }

  /** All that was added, the last byte filled up with zeros. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#pendingBits > 0 ? [...this.#bytes, this.#pending] : this.#bytes)
  }
}

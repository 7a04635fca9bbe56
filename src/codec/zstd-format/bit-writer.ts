/** Writes fields of up to 24 bits one behind the other, least significant bit first: how every bit stream of Zstandard is laid out. */
export class BitWriter {
  readonly #bytes: Uint8Array
  #at: number
  #pending = 0
  #pendingBits = 0

  /** @param bytes large enough for all that is added from `at` on */
  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  /** @param value below 2^bits */
  add(value: number, bits: number): void {
    this.#pending |= value << this.#pendingBits
    this.#pendingBits += bits
    while (this.#pendingBits >= 8) {
      this.#bytes[this.#at++] = this.#pending
      this.#pending >>>= 8
      this.#pendingBits -= 8
    }
  }

  /** Fills the last byte up with zeros. @returns where the next byte would be */
  finish(): number {
    if (this.#pendingBits > 0) this.add(0, 8 - this.#pendingBits)
    return this.#at
  }

  /** Ends a stream that is read from its end: the highest bit set in the last byte marks where it begins. */
  finishBackward(): number {
    this.add(1, 1)
    return this.finish()
  }
}

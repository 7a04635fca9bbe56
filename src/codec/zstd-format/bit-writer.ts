/** Up to this many bytes behind a stream are overwritten with zeros. */
export const BIT_WRITER_SLACK_BYTES = 4

/** Writes fields of up to 24 bits one after another, least significant bit first. Every bit stream of Zstandard is laid out like that. */
export class BitWriter {
  readonly #view: DataView
  #at = 0
  /** Up to 7 bits that are not yet a whole byte. */
  #pending = 0
  #pendingBits = 0

  /** @param bytes have room for all that is added, and for {@link BIT_WRITER_SLACK_BYTES} */
  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** @param value below 2^bits */
  add(value: number, bits: number): void {
    const pending = this.#pending | (value << this.#pendingBits)
    const pendingBits = this.#pendingBits + bits
    this.#view.setInt32(this.#at, pending, true)
    this.#at += pendingBits >> 3
    this.#pending = pending >>> (pendingBits & ~7)
    this.#pendingBits = pendingBits & 7
  }

  /** Fills the last byte up with zeros. @returns where the next byte would be */
  finish(): number {
    if (this.#pendingBits > 0) this.add(0, 8 - this.#pendingBits)
    return this.#at
  }

  /** Ends a stream that is read from its end: the highest bit that is set in the last byte marks where reading begins. */
  finishBackward(): number {
    this.add(1, 1)
    return this.finish()
  }
}

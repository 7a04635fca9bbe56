import type { Codec } from '../codec/codec.js'

/**
 * A value that is logged and not yet in the backend. It lies in memory that is shared with other values and only read. It keeps no Buffer: one for each
 * value would be most of what V8's garbage collector has to look at.
 */
export class TableValue {
  readonly #slab: Buffer
  readonly #at: number
  /** Bytes of the value as it is kept. */
  readonly length: number
  /** Bytes of the value itself. */
  readonly rawLength: number
  /** Whether it is an envelope already. */
  readonly sealed: boolean
  /** ms since 1970; undefined for never. Also undefined if {@link sealed}, since the envelope says it then. */
  readonly expiresAt: number | undefined
  /** The codec with which it will be sealed, or was. */
  readonly codec: Codec

  constructor(
    slab: Buffer,
    at: number,
    length: number,
    rawLength: number,
    sealed: boolean,
    expiresAt: number | undefined,
    codec: Codec
  ) {
    this.#slab = slab
    this.#at = at
    this.length = length
    this.rawLength = rawLength
    this.sealed = sealed
    this.expiresAt = expiresAt
    this.codec = codec
  }

  /** The value as it was given; an envelope if {@link sealed}. A view of shared memory. */
  get bytes(): Buffer {
    return this.#slab.subarray(this.#at, this.#at + this.length)
  }
}

/** A value as it was given, from `at` on in `slab`. */
export function rawTableValue(
  slab: Buffer,
  at: number,
  length: number,
  expiresAt: number | undefined,
  codec: Codec
): TableValue {
  return new TableValue(slab, at, length, length, false, expiresAt, codec)
}

/** A value that is sealed already. */
export function sealedTableValue(envelope: Buffer, rawLength: number, codec: Codec): TableValue {
  return new TableValue(envelope, 0, envelope.length, rawLength, true, undefined, codec)
}

import type { Codec } from '../codec/codec.js'

/**
 * A value that is logged and not yet in the backend. Its memory is shared with others, and only read: a Buffer for each would be most of
 * what V8's garbage collector has to look at.
 */
export class TableValue {
  readonly #slab: Buffer
  readonly #at: number
  /** As it is kept. */
  readonly length: number
  /** Bytes of the value itself. */
  readonly rawLength: number
  /** It is an envelope already. */
  readonly sealed: boolean
  /** ms since 1970; undefined for never, and if {@link sealed}, since the envelope says it then. */
  readonly expiresAt: number | undefined
  /** What seals it. */
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

  /** As it was given, or an envelope if {@link sealed}. */
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

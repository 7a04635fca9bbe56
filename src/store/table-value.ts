import type { Codec } from '../codec/codec.js'

/** A value that is logged and not yet in the backend. */
export interface TableValue {
  /** As it was given, or an envelope if {@link sealed}; in memory that is only read. */
  readonly bytes: Buffer
  /** Of {@link bytes}. */
  readonly length: number
  /** Bytes of the value itself. */
  readonly rawLength: number
  readonly sealed: boolean
  /** ms since 1970, 0 for never. Of what is sealed the envelope says it. */
  readonly expiresAt: number
  /** What seals it. */
  readonly codec: Codec
}

import type { Codec } from '../codec/codec.js'

/** A value that is logged and not yet in the backend. */
export interface TableValue {
  /** As it was given, or an envelope if {@link sealed}; in memory that is only read. */
  readonly bytes: Buffer
  readonly length: number
  readonly sealed: boolean
  /** ms since 1970, 0 for never. Of what is sealed the envelope says it. */
  readonly expiresAt: number
  /** What seals it. */
  readonly codec: Codec
}

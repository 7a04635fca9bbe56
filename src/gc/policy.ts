import type { Codec } from '../codec/codec.js'

/** The default of {@link MinSizeOption}, in bytes. */
export const MIN_COMPRESS_SIZE = 1024
/** What is stored is replaced by a compressed form only if that is smaller by this share. */
export const MIN_SAVING = 0.1

export interface MinSizeOption {
  /**
   * Shorter values, in bytes, are compressed with the store's dictionary or not at all.
   * @default 1024
   */
  readonly minSize?: number | undefined
}

/** A value as it is stored, to be judged by a {@link Gc}. */
export interface StoredValue {
  readonly key: Buffer
  /** The key was deleted. Never so in a backend, which has no value then. */
  readonly tombstone: boolean
  readonly compressed: boolean
  /** What the value was written with; `CODEC_ID.none` if it is raw. */
  readonly codecId: number
  /** The strongest attempt that was made to compress it, if one was noted: with which codec, and its effort (level). */
  readonly probe: { readonly codecId: number; readonly effort: number } | undefined
  /** Id of the dictionary that it was compressed with. */
  readonly dictionary?: number | undefined
  /** What the store compresses small values with now; undefined if this one is not small, or the store uses no dictionary. */
  readonly offer?: DictionaryOffer | undefined
  /** ms since 1970; what has expired is removed before a policy sees it. */
  readonly expiresAt: number | undefined
  /** Bytes after decompression. */
  readonly rawLength: number
  /** Bytes as it is stored, what surrounds it not counted. */
  readonly storedLength: number
  /** The value itself. Must not be changed. */
  raw(): Buffer | Promise<Buffer>
}

/** A store's dictionary, for a small value. */
export interface DictionaryOffer {
  readonly id: number
  /** @returns what `codec` makes of the value with it, or undefined if it does not pay */
  compress(codec: Codec, raw: Uint8Array): Uint8Array | undefined
}

/** What becomes of a stored value. */
export type GcDecision =
  /** It stays as it is. */
  | { readonly action: 'keep' }
  /** `compressed`, which `codec` made of it, is stored instead; `dictionary` is the id of the offer that made it, if one did. */
  | {
      readonly action: 'recompress'
      readonly codec: Codec
      readonly compressed: Uint8Array
      readonly dictionary?: number | undefined
    }
  /** It stays, and remembers that this was tried: the same policy does not try again. */
  | { readonly action: 'probed'; readonly codec: Codec }
  /** It is deleted. */
  | { readonly action: 'drop' }

/** Decides, value by value, what a sweep does. One that throws leaves the value as it is; the report counts it. */
export interface Gc {
  /** Names the policy and its parameters, in at most 255 bytes: only one of the same id resumes a sweep that was interrupted. Default: none does. */
  readonly id?: string
  process(value: StoredValue): GcDecision | Promise<GcDecision>
}

export const KEEP: GcDecision = Object.freeze({ action: 'keep' })

/** Names what a policy does, for {@link Gc.id}. */
export function idOf(does: string, minSize: number): string {
  return minSize === MIN_COMPRESS_SIZE ? does : `${does} from ${minSize}`
}

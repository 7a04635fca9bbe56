import type { Codec } from '../codec/codec.js'

/** The default of {@link MinSizeOption}, in bytes. */
export const MIN_COMPRESS_SIZE = 1024
/** A stored value is replaced by a compressed form only if that is smaller by at least this share. */
export const MIN_SAVING = 0.1

export interface MinSizeOption {
  /**
   * Values shorter than this, in bytes, are compressed with the store's dictionary or not at all.
   * @default 1024
   */
  readonly minSize?: number | undefined
}

/** A value as it is stored, to be judged by a {@link Gc}. */
export interface StoredValue {
  readonly key: Buffer
  /** Whether the key was deleted. Always false in a sweep of a store: a backend has no values of deleted keys. */
  readonly tombstone: boolean
  readonly compressed: boolean
  /** Id of the codec that the value was written with; `CODEC_ID.none` if it is raw. */
  readonly codecId: number
  /** The strongest attempt to compress it that was noted: the codec's id and its effort (level). undefined if none was noted. */
  readonly probe: { readonly codecId: number; readonly effort: number } | undefined
  /** Id of the dictionary that it was compressed with; undefined if it was compressed without one. */
  readonly dictionary?: number | undefined
  /** The dictionary that the store uses now; undefined if it uses none, or if this value is not small. */
  readonly offer?: DictionaryOffer | undefined
  /** ms since 1970; what has expired is removed before a policy sees it. */
  readonly expiresAt: number | undefined
  /** Bytes after decompression. */
  readonly rawLength: number
  /** Bytes of the stored form, without what the envelope adds. */
  readonly storedLength: number
  /** The value itself. Must not be changed. */
  raw(): Buffer | Promise<Buffer>
}

/** A store's dictionary, for a small value. */
export interface DictionaryOffer {
  readonly id: number
  /** Compresses the value with the dictionary. @returns undefined if that does not pay */
  compress(codec: Codec, raw: Uint8Array): Uint8Array | undefined
}

/** What becomes of a stored value. */
export type GcDecision =
  /** It stays as it is. */
  | { readonly action: 'keep' }
  /** `compressed`, made by `codec`, is stored instead. `dictionary` is the id of the offer that it was made with, if one was used. */
  | {
      readonly action: 'recompress'
      readonly codec: Codec
      readonly compressed: Uint8Array
      readonly dictionary?: number | undefined
    }
  /** It stays, and its envelope notes that `codec` was tried, so that the same policy does not try again. */
  | { readonly action: 'probed'; readonly codec: Codec }
  /** It is deleted. */
  | { readonly action: 'drop' }

/** Decides, value by value, what a sweep does. If it throws, the value stays as it is, and the report counts it as failed. */
export interface Gc {
  /**
   * Names the policy and its parameters, in at most 255 bytes. A sweep that was interrupted is resumed only by a policy with the same id.
   * Default: none, and such a sweep begins anew.
   */
  readonly id?: string
  process(value: StoredValue): GcDecision | Promise<GcDecision>
}

export const KEEP: GcDecision = Object.freeze({ action: 'keep' })

/** Makes an id for {@link Gc.id}. @param does what the policy does */
export function idOf(does: string, minSize: number): string {
  return minSize === MIN_COMPRESS_SIZE ? does : `${does} from ${minSize}`
}

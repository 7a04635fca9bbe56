/**
 * Bytes to bytes. A codec knows no header: what was compressed how, how long it was and whether it is intact is the
 * envelope's business. Register your own with {@link registerCodec}.
 */
export interface Codec {
  /** What the envelope stores to find the codec again: 128..255 are yours. Never give a number a second meaning. */
  readonly id: number
  /** How options and statistics call it. */
  readonly name: string
  /** How hard it tries, 0..255 (a level, say). A value found incompressible is tried again only with more effort. */
  readonly effort?: number
  /** Memory that one call of {@link compress} takes beside its data, in bytes: it bounds how many run at once. Default 0. */
  readonly workingBytes?: number
  /** Loads what it needs. Called at open for the codecs that the options name; throws if it cannot work here. */
  load?(): void
  /** Must not keep, change or transfer `data`. Off the main thread if it can be. */
  compress(data: Uint8Array): Promise<Uint8Array>
  /**
   * Restores exactly `rawLength` bytes into memory of its own. Never allocates more than that for the result, whatever
   * `data` claims, and throws if it unfolds to anything else.
   */
  decompress(data: Uint8Array, rawLength: number): Promise<Uint8Array>
  /** For values below `offThreadSize`. Without it they go through {@link compress}. */
  compressSync?(data: Uint8Array): Uint8Array
  /** For `getSync` and values below `offThreadSize`. Without it `getSync` of such a value throws. */
  decompressSync?(data: Uint8Array, rawLength: number): Uint8Array
  /** For callers that are done with a result before the codec's next call. */
  readonly transient?: TransientForms
  /**
   * This codec with a dictionary that values may refer to, for small values that are alike. Without it no dictionary is used.
   *
   * @param dictionary in Zstandard's format (RFC 8878, section 5), or any bytes. Must not be changed
   */
  withDictionary?(dictionary: Uint8Array): DictionaryCodec
}

/**
 * Forms whose result lasts only until the codec's next call: no garbage for what is copied at once. undefined if it does not fit the codec's
 * memory.
 */
export interface TransientForms {
  compress(data: Uint8Array): Uint8Array | undefined
  decompress(data: Uint8Array, rawLength: number): Uint8Array | undefined
}

/** Dictionaries are for values shorter than this, in bytes: a u16 holds their length. */
export const DICTIONARY_VALUE_LIMIT = 64 * 1024

/** Compresses and restores on the calling thread, since values are small. The dictionary is prepared once. */
export interface DictionaryCodec {
  /**
   * @param data shorter than {@link DICTIONARY_VALUE_LIMIT}. Must not be kept or changed
   * @returns undefined where that is no smaller than `data`. Lasts until the next call
   */
  compressSync(data: Uint8Array): Uint8Array | undefined
  /** Like {@link Codec.decompress}. */
  decompressSync(data: Uint8Array, rawLength: number): Uint8Array
}

/** The built-in codecs that need no options; 'zstd' is level 3. */
export type CodecName = 'lz4' | 'zstd' | 'none'

/** Do not change the values of existing entries: they are stored with the data. 4 to 127 are kept for later. */
export const CODEC_ID = { none: 0, lz4: 1, zstd: 2, tensor: 3 } as const

/** The first id that users may give their own codecs; the last is 255. */
export const FIRST_USER_CODEC_ID = 128

/**
 * Turns bytes into fewer bytes, and back. A codec writes no header: which codec was used, how long the value was, and whether it is intact, is in the
 * envelope. Register your own with {@link registerCodec}.
 */
export interface Codec {
  /** The number by which the envelope finds the codec again: 128 to 255 are for your own. Never use a number for two formats. */
  readonly id: number
  /** Its name in messages and statistics. */
  readonly name: string
  /** How hard it tries, 0 to 255 (a level, say). A value that did not get smaller is tried again only with more effort. Default 0. */
  readonly effort?: number
  /** Memory that a call of {@link compress} takes beside its data, in bytes. It bounds how many calls run at once. Default 0. */
  readonly workingBytes?: number
  /** Loads what the codec needs. Called when a store opens, for the codecs that its options name. Throws if the codec cannot work here. */
  load?(): void
  /** Compresses, off the main thread if possible. Must not keep, change or transfer `data`. */
  compress(data: Uint8Array): Promise<Uint8Array>
  /**
   * Restores exactly `rawLength` bytes into memory of its own. Must never allocate more than that for the result, whatever
   * `data` claims, and must throw if there are fewer or more bytes.
   */
  decompress(data: Uint8Array, rawLength: number): Promise<Uint8Array>
  /** Used for values below `offThreadSize`. Without it these are compressed by {@link compress}. */
  compressSync?(data: Uint8Array): Uint8Array
  /** Used for `getSync`, and for values below `offThreadSize`. Without it `getSync` of a value of this codec throws. */
  decompressSync?(data: Uint8Array, rawLength: number): Uint8Array
  /** Used by callers that no longer need a result when they call the codec again. */
  readonly transient?: TransientForms
  /**
   * The codec with a dictionary, for small values that are alike. Without it the codec never uses a dictionary.
   *
   * @param dictionary in Zstandard's format (RFC 8878, section 5), or any bytes. Must not be changed
   */
  withDictionary?(dictionary: Uint8Array): DictionaryCodec
}

/**
 * Forms of the codec whose result is valid only until its next call: a caller that copies the result leaves no garbage. They return undefined if the
 * data does not fit into the codec's memory.
 */
export interface TransientForms {
  compress(data: Uint8Array): Uint8Array | undefined
  decompress(data: Uint8Array, rawLength: number): Uint8Array | undefined
}

/** Dictionaries are for values shorter than this, in bytes: their envelopes have at most 16 bits for the length. */
export const DICTIONARY_VALUE_LIMIT = 64 * 1024

/** A codec with a dictionary, which is prepared only once. It works on the calling thread, since the values are small. */
export interface DictionaryCodec {
  /**
   * @param data shorter than {@link DICTIONARY_VALUE_LIMIT}. Must not be kept or changed
   * @returns undefined if the result would not be smaller than `data`. The result is valid until the next call
   */
  compressSync(data: Uint8Array): Uint8Array | undefined
  /** Like {@link Codec.decompress}. */
  decompressSync(data: Uint8Array, rawLength: number): Uint8Array
}

/** The built-in codecs that need no options; 'zstd' is level 3. */
export type CodecName = 'lz4' | 'zstd' | 'none'

/** Do not change the values of existing entries: they are stored with the data. 4 to 127 are reserved. */
export const CODEC_ID = { none: 0, lz4: 1, zstd: 2, tensor: 3 } as const

/** The first id that users may give their own codecs; the last is 255. */
export const FIRST_USER_CODEC_ID = 128

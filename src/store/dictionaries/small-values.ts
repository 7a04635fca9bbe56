import { isUint8Array } from 'node:util/types'
import type { Codec } from '../../codec/codec.js'
import type { DictionaryOffer } from '../../gc/policy.js'
import type { Dictionaries, Dictionary } from './dictionaries.js'

/**
 * Values from the first to below the second of these lengths, in bytes, are small: a dictionary is used for them. A longer value itself contains most
 * of what a dictionary could contribute.
 */
const MIN_SMALL_BYTES = 32
export const SMALL_BYTES_LIMIT = 4096

/**
 * With the dictionary, a value may take at most this many times what raw values of its length take in the backend on average. A value that compresses
 * badly with the dictionary may also compress badly in the backend's blocks, hence the allowance. One that takes more is of another kind than those by
 * which the dictionary was judged.
 */
const DENSE_VALUE = 1.3

/** What an envelope with a dictionary adds at least, in bytes: checksum, length, id and tag. */
const ENVELOPE_BYTES = 9

/** Decides which values are small, and compresses them with the store's dictionary. */
export class SmallValues {
  readonly dictionaries: Dictionaries
  readonly #minBytes: number
  readonly #minSaving: number
  /** The dictionary in use. It has been stored and synced, in the backend, or in the log where that is the database. */
  current: Dictionary | undefined

  /** @param minSize the option `minSize`; undefined for the default */
  constructor(dictionaries: Dictionaries, minSize: number | undefined, minSaving: number) {
    this.dictionaries = dictionaries
    this.#minBytes = minSize ?? MIN_SMALL_BYTES
    this.#minSaving = minSaving
  }

  /** Whether a dictionary may be used for a value of this length. */
  has(codec: Codec, length: number): boolean {
    return length >= this.#minBytes && length < SMALL_BYTES_LIMIT && codec.withDictionary !== undefined
  }

  /** The dictionary in use, for a sweep that comes to a value of this length; undefined if there is none for it. */
  offerFor(length: number): DictionaryOffer | undefined {
    const dictionary = this.current
    if (dictionary === undefined || length >= SMALL_BYTES_LIMIT) return undefined
    const { id } = dictionary
    return {
      id,
      compress: (codec, raw) => {
        const compressed = this.has(codec, raw.length) ? this.compress(dictionary, codec, raw) : undefined
        return compressed && Buffer.from(compressed)
      }
    }
  }

  /**
   * Compresses a small value.
   *
   * @returns undefined if it does not pay. The result is valid until the next call
   * @throws what the codec throws; TypeError if it returns no bytes
   */
  compress(dictionary: Dictionary, codec: Codec, raw: Uint8Array): Uint8Array | undefined {
    const compressed = dictionary.coderFor(codec)?.compressSync(raw)
    if (compressed === undefined) return undefined
    // A user's own codec may return anything.
    if (!isUint8Array(compressed)) throw new TypeError(`Codec '${codec.name}' did not return bytes`)
    const most = raw.length * Math.min(1 - this.#minSaving, dictionary.rawShare * DENSE_VALUE) - ENVELOPE_BYTES
    return compressed.length <= most ? compressed : undefined
  }
}

import { isUint8Array } from 'node:util/types'
import type { Codec } from '../../codec/codec.js'
import type { DictionaryOffer } from '../../gc/policy.js'
import type { Dictionaries, Dictionary } from './dictionaries.js'

/**
 * Values from the first to below the second, in bytes, are small: a dictionary is used for them. A longer value contains most of what a
 * dictionary could give.
 */
const MIN_SMALL_BYTES = 32
export const SMALL_BYTES_LIMIT = 4096

/**
 * How much more than the average raw value of its length a value may take: one that is dense for a dictionary is dense for the backend's blocks
 * as well. One that takes more is of another kind than what the dictionary was judged by.
 */
const DENSE_VALUE = 1.3

/** What an envelope with a dictionary adds, at least, in bytes: checksum, length, id, tag. */
const ENVELOPE_BYTES = 9

/** Which values are small, and what the store's dictionary makes of them. */
export class SmallValues {
  readonly dictionaries: Dictionaries
  readonly #minBytes: number
  readonly #minSaving: number
  /** What small values are compressed with now. The backend, or the log where that is the database, has it, synced. */
  current: Dictionary | undefined
  /** Whether the options ask for one. */
  isOn = false

  /** @param minSize as the options say it; undefined for the default */
  constructor(dictionaries: Dictionaries, minSize: number | undefined, minSaving: number) {
    this.dictionaries = dictionaries
    this.#minBytes = minSize ?? MIN_SMALL_BYTES
    this.#minSaving = minSaving
  }

  /** Whether a dictionary may be used for a value of this length. */
  has(codec: Codec, length: number): boolean {
    return length >= this.#minBytes && length < SMALL_BYTES_LIMIT && codec.withDictionary !== undefined
  }

  /** What a sweep may do with a value of this length; undefined where there is no dictionary for it. */
  offerFor(length: number): DictionaryOffer | undefined {
    const dictionary = this.current
    if (!this.isOn || dictionary === undefined || length >= SMALL_BYTES_LIMIT) return undefined
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
   * @returns undefined if it does not pay. Lasts until the next call
   * @throws what the codec throws; TypeError if it returns no bytes
   */
  compress(dictionary: Dictionary, codec: Codec, raw: Uint8Array): Uint8Array | undefined {
    const compressed = dictionary.coderFor(codec)?.compressSync(raw)
    if (compressed === undefined) return undefined
    // A codec of a user's own may return anything.
    if (!isUint8Array(compressed)) throw new TypeError(`Codec '${codec.name}' did not return bytes`)
    const most = raw.length * Math.min(1 - this.#minSaving, dictionary.rawShare * DENSE_VALUE) - ENVELOPE_BYTES
    return compressed.length <= most ? compressed : undefined
  }
}

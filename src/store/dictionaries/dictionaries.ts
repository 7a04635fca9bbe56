import { crc32c } from '../../checksum/crc32c.js'
import type { Codec, DictionaryCodec } from '../../codec/codec.js'
import { corruption } from '../../errors.js'
import type { AnyLevel } from '../backend/any-level.js'
import { asBuffer, AS_BYTES } from '../backend/as-bytes.js'
import type { KnownDictionary } from '../marker.js'
import {
  decodeDictionary,
  DICTIONARIES_END,
  DICTIONARIES_START,
  type DictionaryRecord,
  idInKey,
  MAX_DICTIONARY_ID
} from './dictionary-record.js'

/** Most dictionaries that a store has at a time; a sweep removes those that no value needs. */
const MAX_DICTIONARIES = 32
/** The longest dictionary, in bytes. */
export const MAX_DICTIONARY_BYTES = 1024 * 1024

/** A dictionary of the store, ready to be used with any codec that can. */
export class Dictionary {
  readonly id: number
  readonly given: boolean
  readonly rawShare: number
  readonly bytes: Buffer
  readonly #coders = new WeakMap<Codec, DictionaryCodec>()
  /** The codec that was asked for last, and its coder: for value after value it is the same. */
  #codec: Codec | undefined
  #coder: DictionaryCodec | undefined

  constructor({ id, given, rawShare, bytes }: DictionaryRecord) {
    this.id = id
    this.given = given
    this.rawShare = rawShare
    this.bytes = bytes
  }

  /** @returns undefined if the codec can use no dictionary */
  coderFor(codec: Codec): DictionaryCodec | undefined {
    if (codec === this.#codec) return this.#coder
    let coder = this.#coders.get(codec)
    if (coder === undefined && codec.withDictionary !== undefined) {
      coder = codec.withDictionary(this.bytes)
      this.#coders.set(codec, coder)
    }
    this.#codec = codec
    this.#coder = coder
    return coder
  }
}

/** Every dictionary that values of the store may need. */
export class Dictionaries {
  readonly #byId = new Map<number, Dictionary>()
  /** Those that cannot be read, and why. */
  readonly #unreadable = new Map<number, unknown>()
  /** Ids of those that a sweep has deleted since the store was opened: snapshots and iterators may need them yet. */
  readonly #deleted = new Set<number>()
  /** Ids of those that are being stored. */
  readonly #storing = new Set<number>()
  /** The newest that the store had, as its marker says when it is opened. It may be lost. */
  newestEver: KnownDictionary | undefined

  /** Reads those that a backend has. What is damaged is an error only to the values that need it. */
  async load(backend: AnyLevel, storeId: Buffer): Promise<void> {
    const range = { gte: DICTIONARIES_START, lt: DICTIONARIES_END, limit: MAX_DICTIONARIES }
    const entries = await backend
      .iterator<Buffer, Uint8Array>({ ...range, ...AS_BYTES, fillCache: false } as object)
      .all()
    for (const [key, stored] of entries) this.learn(key, asBuffer(stored), storeId)
  }

  /** Adds what is stored under a reserved key, if it is a dictionary. In a log one that failed to be stored may precede the one that has its id. */
  learn(key: Uint8Array, stored: Buffer, storeId: Buffer): void {
    const id = idInKey(key)
    if (id === undefined) return
    try {
      this.add(new Dictionary(decodeDictionary(stored, id, storeId)))
    } catch (error) {
      this.#byId.delete(id)
      this.#unreadable.set(id, error)
    }
  }

  add(dictionary: Dictionary): void {
    this.#unreadable.delete(dictionary.id)
    this.#byId.set(dictionary.id, dictionary)
  }

  /**
   * Stores a new dictionary, and adds it.
   *
   * @throws where its id is another's, whose values nobody could read any more; what `save` throws
   */
  async store(dictionary: Dictionary, save: (dictionary: Dictionary) => Promise<void>): Promise<void> {
    const { id } = dictionary
    if (this.#storing.has(id) || this.#known.includes(id)) throw new Error(`There is a dictionary ${id} already`)
    this.#storing.add(id)
    try {
      await save(dictionary)
      this.add(dictionary)
    } finally {
      this.#storing.delete(id)
    }
  }

  /** Call when the backend no longer has them, and nothing in it needs them. */
  deleted(ids: readonly number[]): void {
    for (const id of ids) this.#deleted.add(id)
  }

  /** @throws LEVEL_CORRUPTION if it is missing or damaged; LEVEL_NOT_SUPPORTED if a later version wrote it */
  get(id: number): Dictionary {
    const dictionary = this.#byId.get(id)
    if (dictionary !== undefined) return dictionary
    throw this.#unreadable.get(id) ?? corruption(`the store has no dictionary ${id}, which this value needs`)
  }

  /** The one that was made last, among those that were trained. */
  get newestTrained(): Dictionary | undefined {
    return [...this.#byId.values()].filter(({ given }) => !given).sort((a, b) => b.id - a.id)[0]
  }

  /** The one that has these bytes. */
  find(bytes: Uint8Array): Dictionary | undefined {
    return [...this.#byId.values()].find(dictionary => dictionary.bytes.equals(bytes))
  }

  /** Of those that the backend has. */
  get ids(): number[] {
    return this.#known.filter(id => !this.#deleted.has(id))
  }

  get #known(): number[] {
    return [...this.#byId.keys(), ...this.#unreadable.keys()]
  }

  /** An id that no dictionary ever had: the highest stays for that. undefined if no more can be made. */
  get freeId(): number | undefined {
    const ids = this.#known
    const next = Math.max(0, this.newestEver?.id ?? 0, ...ids) + 1
    return ids.length < MAX_DICTIONARIES && next <= MAX_DICTIONARY_ID ? next : undefined
  }

  /** The id for a dictionary that the store does not have: if it had it as its newest, the same, so that values can be read again that need it. */
  idFor(bytes: Uint8Array): number | undefined {
    const { newestEver } = this
    const isLost = newestEver !== undefined && !this.#known.includes(newestEver.id)
    return isLost && newestEver.crc === crc32c(bytes) ? newestEver.id : this.freeId
  }
}

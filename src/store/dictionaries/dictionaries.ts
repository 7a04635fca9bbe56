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

/** The most dictionaries that a store has at a time. A sweep deletes those that no value needs. */
const MAX_DICTIONARIES = 32
/** The longest dictionary, in bytes. */
export const MAX_DICTIONARY_BYTES = 1024 * 1024

/** A dictionary of the store, which prepares itself for every codec that it is used with. */
export class Dictionary {
  readonly id: number
  readonly given: boolean
  readonly rawShare: number
  readonly bytes: Buffer
  readonly #coders = new WeakMap<Codec, DictionaryCodec>()
  /** The codec that was asked for last, and its coder: usually it is the same for one value after another. */
  #codec: Codec | undefined
  #coder: DictionaryCodec | undefined

  constructor({ id, given, rawShare, bytes }: DictionaryRecord) {
    this.id = id
    this.given = given
    this.rawShare = rawShare
    this.bytes = bytes
  }

  /** The codec with this dictionary. @returns undefined if the codec cannot use one */
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
  /** Dictionaries that cannot be read, and why, by id. */
  readonly #unreadable = new Map<number, unknown>()
  /** Ids of dictionaries that sweeps have deleted since the store was opened. They stay usable, since snapshots and iterators may still need them. */
  readonly #deleted = new Set<number>()
  /** Ids of dictionaries that are being stored. */
  readonly #storing = new Set<number>()
  /** The newest dictionary that the store ever had, as its marker says when the store is opened. It may be lost. */
  newestEver: KnownDictionary | undefined

  /** Reads the dictionaries that a backend has. One that is damaged is an error only when a value needs it. */
  async load(backend: AnyLevel, storeId: Buffer): Promise<void> {
    const range = { gte: DICTIONARIES_START, lt: DICTIONARIES_END, limit: MAX_DICTIONARIES }
    const entries = await backend
      .iterator<Buffer, Uint8Array>({ ...range, ...AS_BYTES, fillCache: false } as object)
      .all()
    for (const [key, stored] of entries) this.learn(key, asBuffer(stored), storeId)
  }

  /**
   * Adds what is stored under a reserved key, if it is a dictionary. It replaces one with the same id: in a log, a dictionary that failed to be stored
   * may come before the one that then got its id.
   */
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
   * @throws if its id is another's, since nobody could read the values of that one any more; what `save` throws
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

  /** Call when the backend no longer has these dictionaries, and nothing in it needs them. */
  deleted(ids: readonly number[]): void {
    for (const id of ids) this.#deleted.add(id)
  }

  /** @throws LEVEL_CORRUPTION if it is missing or damaged; LEVEL_NOT_SUPPORTED if a later version wrote it */
  get(id: number): Dictionary {
    const dictionary = this.#byId.get(id)
    if (dictionary !== undefined) return dictionary
    throw this.#unreadable.get(id) ?? corruption(`the store has no dictionary ${id}, which this value needs`)
  }

  /** The newest dictionary that was trained, and not given in the options. */
  get newestTrained(): Dictionary | undefined {
    return [...this.#byId.values()].filter(({ given }) => !given).sort((a, b) => b.id - a.id)[0]
  }

  /** The dictionary with these bytes. */
  find(bytes: Uint8Array): Dictionary | undefined {
    return [...this.#byId.values()].find(dictionary => dictionary.bytes.equals(bytes))
  }

  /** Ids of the dictionaries that the backend has. */
  get ids(): number[] {
    return this.#known.filter(id => !this.#deleted.has(id))
  }

  get #known(): number[] {
    return [...this.#byId.keys(), ...this.#unreadable.keys()]
  }

  /** An id that no dictionary ever had: one more than the highest. undefined if the store can have no more dictionaries. */
  get freeId(): number | undefined {
    const ids = this.#known
    const next = Math.max(0, this.newestEver?.id ?? 0, ...ids) + 1
    return ids.length < MAX_DICTIONARIES && next <= MAX_DICTIONARY_ID ? next : undefined
  }

  /**
   * The id for a dictionary that the store does not have. If it is the newest one that the store had and lost, it gets its id again, so that values that
   * need it can be read again.
   */
  idFor(bytes: Uint8Array): number | undefined {
    const { newestEver } = this
    const isLost = newestEver !== undefined && !this.#known.includes(newestEver.id)
    return isLost && newestEver.crc === crc32c(bytes) ? newestEver.id : this.freeId
  }
}

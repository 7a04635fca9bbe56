import { CODEC_ID } from '../../codec/codec.js'
import { codecForReading } from '../../codec/registry.js'
import { checkedRaw, restoreOffThread, restoreSync, undecodable } from '../../codec/restore.js'
import type { Guard } from '../../envelope/guard.js'
import { codecInput, codecInputNow, openEnvelope, type Opened } from '../../envelope/open.js'
import { notSupported } from '../../errors.js'
import { asBuffer } from '../as-bytes.js'
import type { Dictionaries } from '../dictionaries/dictionaries.js'
import type { Settings } from '../options.js'
import type { Counters } from '../stats.js'
import type { TableValue } from '../writing/table-value.js'

/** Typed arrays of every element size can be laid over a value that starts at a multiple of this. */
const ALIGNMENT = 8

/** What errors call a value: who reads it knows its key. */
const WHAT = 'it'

type UnsealerSettings = Pick<Settings, 'maxValueSize' | 'offThreadSize'>

/** Turns stored bytes into the caller's own value. */
export class Unsealer {
  readonly #settings: UnsealerSettings
  readonly #guard: Guard
  readonly #dictionaries: Dictionaries
  /** Whether the backend hands out memory of its own, which a caller must not get. */
  readonly #backendShares: boolean
  readonly #counters: Counters

  constructor(
    settings: UnsealerSettings,
    guard: Guard,
    dictionaries: Dictionaries,
    backendShares: boolean,
    counters: Counters
  ) {
    this.#settings = settings
    this.#guard = guard
    this.#dictionaries = dictionaries
    this.#backendShares = backendShares
    this.#counters = counters
  }

  /** Reads and checks the envelope, without decompressing. undefined once its time to live is over. */
  open(stored: Uint8Array): Opened | undefined {
    const opened = this.inspect(stored)
    return opened.expiresAt !== undefined && opened.expiresAt <= Date.now() ? undefined : opened
  }

  /** The same, also when its time to live is over. */
  inspect(stored: Uint8Array): Opened {
    return openEnvelope(asBuffer(stored), this.#guard, this.#settings.maxValueSize)
  }

  /** The value in an envelope, also when its time to live is over. */
  valueIn(envelope: Buffer): Buffer | Promise<Buffer> {
    return this.value(this.inspect(envelope))
  }

  /** Whether a reader would see the entry. A damaged or too large value is there: reading it is an error. */
  isVisible(stored: Uint8Array | TableValue): boolean {
    try {
      if (!(stored instanceof Uint8Array)) return isAlive(stored) && (!stored.sealed || this.isVisible(stored.bytes))
      return this.open(stored) !== undefined
    } catch {
      return true
    }
  }

  /** The value: at once, or as a promise where it is restored off the main thread. */
  value(opened: Opened): Buffer | Promise<Buffer> {
    if (opened.codecId === CODEC_ID.none) return this.#raw(opened)
    if (opened.dictionary !== undefined) return this.#withDictionary(opened, opened.dictionary)
    const codec = codecForReading(opened.codecId)
    const isHere = codec.decompressSync !== undefined && opened.rawLength < this.#settings.offThreadSize
    if (isHere) return this.valueSync(opened)
    return restoreOffThread(codec, codecInput(opened), opened.rawLength, WHAT).then(value =>
      this.#restored(opened, value)
    )
  }

  /** @throws LEVEL_NOT_SUPPORTED if the value's codec has no synchronous form */
  valueSync(opened: Opened): Buffer {
    if (opened.codecId === CODEC_ID.none) return this.#raw(opened)
    if (opened.dictionary !== undefined) return this.#withDictionary(opened, opened.dictionary)
    const codec = codecForReading(opened.codecId)
    if (codec.decompressSync === undefined)
      throw notSupported(`getSync() of a value whose codec, '${codec.name}', has no decompressSync`)
    return this.#restored(opened, restoreSync(codec, codecInputNow(opened), opened.rawLength, WHAT))
  }

  #withDictionary(opened: Opened, id: number): Buffer {
    const codec = codecForReading(opened.codecId)
    const dictionary = this.#dictionaries.get(id)
    let raw: Uint8Array
    try {
      const coder = dictionary.coderFor(codec)
      if (coder === undefined) throw notSupported(`Codec '${codec.name}' has no withDictionary, which this value needs`)
      raw = coder.decompressSync(opened.payload, opened.rawLength)
    } catch (error) {
      throw undecodable(codec, WHAT, error)
    }
    return this.#restored(opened, checkedRaw(raw, opened.rawLength, WHAT))
  }

  /** What a table has, as the caller's own; undefined once its time to live is over. */
  tableValue(value: TableValue): Buffer | undefined | Promise<Buffer> {
    if (!value.sealed) return isAlive(value) ? Buffer.from(value.bytes) : undefined
    const opened = this.open(value.bytes)
    if (opened === undefined) return undefined
    return opened.codecId === CODEC_ID.none ? Buffer.from(opened.payload) : this.value(opened)
  }

  /** The same for `getSync`. */
  tableValueSync(value: TableValue): Buffer | undefined {
    if (!value.sealed) return isAlive(value) ? Buffer.from(value.bytes) : undefined
    const opened = this.open(value.bytes)
    if (opened === undefined) return undefined
    return opened.codecId === CODEC_ID.none ? Buffer.from(opened.payload) : this.valueSync(opened)
  }

  /** A key that the backend handed out, as the caller's own. */
  own(key: Buffer): Buffer {
    return this.#backendShares ? Buffer.from(key) : key
  }

  #raw(opened: Opened): Buffer {
    const { payload } = opened
    this.#counters.opened(payload.length, payload.length, opened.enveloped)
    return this.#backendShares ? Buffer.from(payload) : aligned(payload)
  }

  #restored(opened: Opened, value: Buffer): Buffer {
    this.#counters.opened(opened.payload.length, value.length, true)
    return aligned(value)
  }
}

function isAlive({ expiresAt }: TableValue): boolean {
  return expiresAt === 0 || expiresAt > Date.now()
}

function aligned(bytes: Buffer): Buffer {
  return bytes.byteOffset % ALIGNMENT === 0 ? bytes : Buffer.from(bytes)
}

import { isUint8Array } from 'node:util/types'
import { CODEC_ID } from '../../codec/codec.js'
import { codecForReading } from '../../codec/registry.js'
import { checkedRaw, restoreOffThread, restoreSync, undecodable } from '../../codec/restore.js'
import { hasExpired } from '../../envelope/expiry.js'
import type { Guard } from '../../envelope/guard.js'
import { codecInput, codecInputNow, openEnvelope, type Opened } from '../../envelope/open.js'
import { ALIGNMENT } from '../../envelope/stored-memory.js'
import { notSupported, tooLarge } from '../../errors.js'
import { TurnQueue } from '../../turn.js'
import type { Unsealed } from '../../wal/format/decoded-frame.js'
import { asBuffer } from '../backend/as-bytes.js'
import type { Dictionaries } from '../dictionaries/dictionaries.js'
import { DEFAULTS, type Settings } from '../options/options.js'
import { Counters } from '../stats.js'
import type { TableValue } from '../table-value.js'

/** How long values are restored in one turn of the event loop, in ms: long enough for about a thousand of 1 KiB. Letting one wait costs 0.6 µs. */
const MAX_TURN_MS = 8
/** How many bytes are restored on the calling thread before the clock is read: that takes 0.1 to 0.3 ms. */
const BYTES_BETWEEN_CHECKS = 128 * 1024

/** What errors call a value here. The reader adds its key. */
const WHAT = 'it'

type UnsealerSettings = Pick<Settings, 'maxValueSize' | 'offThreadSize'>

/** Turns stored bytes into the caller's own value. */
export class Unsealer {
  readonly #settings: UnsealerSettings
  readonly #guard: Guard
  readonly #dictionaries: Dictionaries
  /** Whether the backend hands out memory that it goes on using, so that callers must get copies. */
  readonly #backendShares: boolean
  readonly #counters: Counters
  readonly #turns = new TurnQueue(MAX_TURN_MS, BYTES_BETWEEN_CHECKS)

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

  /** Like {@link open}, but undefined if the value's time to live is over. */
  openLive(stored: Uint8Array): Opened | undefined {
    const opened = this.open(stored)
    return hasExpired(opened.expiresAt) ? undefined : opened
  }

  /**
   * Reads and checks the envelope, without decompressing. A value that has expired is not refused for its size, unless it is to be restored: to
   * readers it is gone.
   */
  open(stored: Uint8Array): Opened {
    const opened = openEnvelope(asBuffer(stored), this.#guard, Infinity)
    if (!hasExpired(opened.expiresAt)) this.#assertSize(opened)
    return opened
  }

  #assertSize({ enveloped, rawLength }: Opened): void {
    const { maxValueSize } = this.#settings
    if (enveloped && rawLength > maxValueSize) throw tooLarge(rawLength, maxValueSize)
  }

  /** What is in an envelope of the log, even if its time to live is over. */
  unsealed(envelope: Buffer): Unsealed {
    const opened = this.open(envelope)
    return { value: this.value(opened), expiresAt: opened.expiresAt }
  }

  /** Whether a reader would see the entry. It does see one whose value is damaged or too large: reading that is an error. */
  isVisible(stored: Uint8Array | TableValue): boolean {
    try {
      if (isUint8Array(stored)) return this.openLive(stored) !== undefined
      return stored.sealed ? this.isVisible(stored.bytes) : !hasExpired(stored.expiresAt)
    } catch {
      return true
    }
  }

  /** The value; a promise if it is restored off the main thread, or this turn of the event loop has no time left for it. */
  value(opened: Opened): Buffer | Promise<Buffer> {
    this.#assertSize(opened)
    if (opened.codecId === CODEC_ID.none) return this.#raw(opened)
    const { rawLength } = opened
    const codec = codecForReading(opened.codecId)
    const isHere = codec.decompressSync !== undefined && rawLength < this.#settings.offThreadSize
    if (isHere || opened.dictionary !== undefined) {
      // A memory-level answers a thousand gets in one turn: to restore all of them in it would take tens or hundreds of ms.
      return this.#turns.hasRoom(rawLength) ? this.valueSync(opened) : this.#turns.later(() => this.valueSync(opened))
    }
    return restoreOffThread(codec, codecInput(opened), rawLength, WHAT).then(value => this.#restored(opened, value))
  }

  /** @throws LEVEL_NOT_SUPPORTED if the value's codec has no synchronous form */
  valueSync(opened: Opened): Buffer {
    if (opened.codecId === CODEC_ID.none) return this.#raw(opened)
    if (opened.dictionary !== undefined) return this.#withDictionary(opened, opened.dictionary)
    const codec = codecForReading(opened.codecId)
    if (codec.decompressSync === undefined) {
      throw notSupported(`Codec '${codec.name}' has no decompressSync, which getSync() of this value needs: use get()`)
    }
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

  /** The value that a table keeps, as a copy for the caller; undefined if its time to live is over. */
  tableValue(value: TableValue): Buffer | undefined | Promise<Buffer> {
    const found = this.#copyOrOpen(value)
    return Buffer.isBuffer(found) ? found : found && this.value(found)
  }

  /** {@link tableValue} for `getSync`; throws as {@link valueSync} does. */
  tableValueSync(value: TableValue): Buffer | undefined {
    const found = this.#copyOrOpen(value)
    return Buffer.isBuffer(found) ? found : found && this.valueSync(found)
  }

  /** A copy of the value if it is not compressed, else the opened envelope; undefined if its time to live is over. */
  #copyOrOpen(value: TableValue): Buffer | Opened | undefined {
    if (!value.sealed) return hasExpired(value.expiresAt) ? undefined : Buffer.from(value.bytes)
    const opened = this.openLive(value.bytes)
    return opened?.codecId === CODEC_ID.none ? Buffer.from(opened.payload) : opened
  }

  /** A key that the backend handed out, in memory that a caller may have. */
  ownKey(key: Buffer): Buffer {
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

/** For sweeps and tools. What they read is not counted in `stats()`, since no caller of the store has asked for it. */
export function uncountedUnsealer(maxValueSize: number, guard: Guard, dictionaries: Dictionaries): Unsealer {
  const settings = { maxValueSize, offThreadSize: DEFAULTS.offThreadSize }
  return new Unsealer(settings, guard, dictionaries, true, new Counters())
}

function aligned(bytes: Buffer): Buffer {
  return bytes.byteOffset % ALIGNMENT === 0 ? bytes : Buffer.from(bytes)
}

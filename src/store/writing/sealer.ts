import { isUint8Array } from 'node:util/types'
import { BufferPool } from '../../codec/buffer-pool.js'
import { CODEC_ID, type Codec } from '../../codec/codec.js'
import { leftRaw } from '../../codec/none.js'
import { compressOffThread } from '../../codec/off-thread.js'
import { codecForCall } from '../../codec/selector.js'
import { expiryOf } from '../../envelope/expiry.js'
import { codecInput, type Opened } from '../../envelope/open.js'
import { type Sealing, sealCompressed, sealRaw, sealWithDictionary } from '../../envelope/seal.js'
import type { Probe } from '../../envelope/trailer.js'
import { invalidOption, tooLarge } from '../../errors.js'
import type { GcDecision } from '../../gc/policy.js'
import { isPromise } from '../../is-promise.js'
import { shown } from '../../option-checks.js'
import { nextTurn, Turn } from '../../turn.js'
import type { DictionarySource } from '../dictionaries/dictionary-source.js'
import type { SmallValues } from '../dictionaries/small-values.js'
import type { CodecChoice } from '../options/codec-choice.js'
import { defaultMinSize, type Settings, type WriteOptions } from '../options/options.js'
import type { Counters, RawReason } from '../stats.js'
import { rawTableValue, sealedTableValue, type TableValue } from '../table-value.js'
import { ValueArena } from './value-arena.js'

/** What is known only when the store has been opened. */
interface SealingContext extends Pick<Sealing, 'guard' | 'mayOmitChecksum'> {
  readonly overLevelDb: boolean
  /** What small values are compressed with. */
  readonly small: SmallValues
}

const MAX_COPIES_KEPT_BYTES = 32 * 1024 * 1024

/**
 * Memory for copies of large values while they are compressed. Fresh memory for 2 MiB costs a third of the time that LZ4 takes to compress them.
 * All stores share one pool, so that a store that has just been opened finds used memory as well.
 */
const copies = new BufferPool(MAX_COPIES_KEPT_BYTES)

/** Decides how a value is stored, and seals it accordingly. */
export class Sealer {
  readonly #settings: Settings
  readonly #choice: CodecChoice
  readonly #context: SealingContext
  readonly #counters: Counters
  readonly #turn = new Turn()
  readonly #arena = new ValueArena()
  readonly #onCodecError: (codecName: string, error: unknown) => void
  /** Where a dictionary for small values comes from. Set when the store has been opened; undefined if no dictionary is to be used. */
  dictionarySource: DictionarySource | undefined

  constructor(
    settings: Settings,
    choice: CodecChoice,
    context: SealingContext,
    counters: Counters,
    onCodecError: (codecName: string, error: unknown) => void
  ) {
    this.#settings = settings
    this.#choice = choice
    this.#context = context
    this.#counters = counters
    this.#onCodecError = onCodecError
  }

  /**
   * Seals a value. When this returns, `value` is no longer needed: it is sealed or copied.
   *
   * @returns the envelope; a promise of it where a codec works off the main thread. The promise rejects if memory is lacking, or if `onStored`
   *   throws.
   * @throws what a codec selector throws; CKV_VALUE_TOO_LARGE; CKV_INVALID_OPTION for a bad ttl or codec
   */
  seal(key: Buffer, value: Buffer, options: WriteOptions): Buffer | Promise<Buffer> {
    return reportStored(this.#sealCopying(key, this.#codecFor(key, value, options), value, expiryIn(options)), options)
  }

  /**
   * A value as a table keeps it until it is flushed. Normally it is kept raw, and sealed by the flush with the codec that is chosen now. It is
   * sealed at once if it will be compressed off the main thread, if the call names a codec (which the log must record), or if the caller passed
   * `onStored`.
   *
   * @returns shares no memory with `value`; throws and rejects as {@link seal} does
   */
  forTable(key: Buffer, value: Buffer, options: WriteOptions): TableValue | Promise<TableValue> {
    const codec = this.#codecFor(key, value, options)
    const expiresAt = expiryIn(options)
    const isLarge = value.length >= this.#settings.offThreadSize && this.#whyRaw(codec, value.length) === undefined
    if (options.codec === undefined && options.onStored === undefined && !isLarge) {
      const arena = this.#arena
      arena.copy(value)
      return rawTableValue(arena.slab, arena.at, value.length, expiresAt, codec)
    }
    const sealed = reportStored(this.#sealCopying(key, codec, value, expiresAt), options)
    const { length } = value
    return isPromise(sealed)
      ? sealed.then(bytes => sealedTableValue(bytes, length, codec))
      : sealedTableValue(sealed, length, codec)
  }

  /** The envelope of a value that {@link forTable} made. */
  sealTableValue(key: Buffer, value: TableValue): Buffer | Promise<Buffer> {
    const { bytes, sealed, expiresAt, codec } = value
    return sealed ? bytes : this.#sealKept(key, codec, bytes, expiresAt)
  }

  /** The envelope of a value that was read back from a log. Nobody may change `value` meanwhile. */
  sealLogged(key: Buffer, value: Buffer, expiresAt: number | undefined): Buffer | Promise<Buffer> {
    let codec: Codec
    try {
      codec = this.#choice.choose(key, value)
    } catch (error) {
      return this.#sealFailed('selector', error, value, expiresAt)
    }
    return this.#sealKept(key, codec, value, expiresAt)
  }

  /** Seals a value that nobody changes meanwhile, so that it need not be copied to be compressed off the main thread. */
  #sealKept(key: Buffer, codec: Codec, value: Buffer, expiresAt: number | undefined): Buffer | Promise<Buffer> {
    return this.#sealNow(key, codec, value, expiresAt) ?? this.#sealOffThread(codec, value, expiresAt)
  }

  /** The envelope that a sweep gives a value; it notes which codec was tried. */
  reseal(opened: Opened, decision: GcDecision): Buffer {
    const { expiresAt, probe, codecId, rawLength, payload, dictionary } = opened
    if (decision.action === 'recompress') {
      const { codec, compressed, dictionary: withIt } = decision
      if (withIt !== undefined)
        return sealWithDictionary(codec.id, compressed, rawLength, withIt, this.#sealing(expiresAt))
      if (codec.id === CODEC_ID.none) return sealRaw(compressed, this.#sealing(expiresAt))
      return sealCompressed(codec.id, compressed, rawLength, this.#sealing(expiresAt, probeOf(codec)))!
    }
    const sealing = this.#sealing(expiresAt, decision.action === 'probed' ? probeOf(decision.codec) : probe)
    if (dictionary !== undefined) return sealWithDictionary(codecId, payload, rawLength, dictionary, sealing)
    return codecId === CODEC_ID.none
      ? sealRaw(payload, sealing)
      : sealCompressed(codecId, codecInput(opened), rawLength, sealing)!
  }

  /** Most values have neither an expiry nor a probe: no object is made for them. */
  #sealing(expiresAt: number | undefined, probe?: Probe): Sealing {
    if (expiresAt === undefined && probe === undefined) return this.#context
    return { ...this.#context, expiresAt, probe }
  }

  #sealCopying(key: Buffer, codec: Codec, value: Buffer, expiresAt: number | undefined): Buffer | Promise<Buffer> {
    const beginning = this.#isSmall(codec, value) ? this.dictionarySource?.begin() : undefined
    if (beginning !== undefined) {
      const [ownKey, copy] = [Buffer.from(key), Buffer.from(value)]
      return beginning.then(() => this.#sealKept(ownKey, codec, copy, expiresAt))
    }
    const sealed = this.#sealNow(key, codec, value, expiresAt)
    if (sealed !== undefined) return sealed
    const copy = copies.take(value.length)
    copy.set(value)
    return this.#sealOffThread(codec, copy, expiresAt).finally(() => copies.release(copy))
  }

  /** @returns undefined where the value has to be compressed off-thread */
  #sealNow(key: Buffer, codec: Codec, value: Buffer, expiresAt: number | undefined): Buffer | undefined {
    const small = this.#sealSmall(key, codec, value, expiresAt)
    if (small !== undefined) return small
    const reason = this.#whyRaw(codec, value.length)
    if (reason !== undefined) return this.#sealRaw(reason, value, expiresAt)
    return this.#isOffThread(codec, value.length) ? undefined : this.#sealHere(codec, value, expiresAt)
  }

  #isSmall(codec: Codec, { length }: Buffer): boolean {
    return this.dictionarySource !== undefined && this.#context.small.has(codec, length)
  }

  /** @returns undefined where there is no dictionary for the value, or it does not pay */
  #sealSmall(key: Buffer, codec: Codec, raw: Buffer, expiresAt: number | undefined): Buffer | undefined {
    if (!this.#isSmall(codec, raw)) return undefined
    this.dictionarySource!.note(key, raw, codec)
    const { small } = this.#context
    const dictionary = small.current
    if (dictionary === undefined) return undefined
    try {
      const compressed = small.compress(dictionary, codec, raw)
      if (compressed === undefined) return undefined
      const sealed = sealWithDictionary(codec.id, compressed, raw.length, dictionary.id, this.#sealing(expiresAt))
      this.#counters.sealed(codec.name, raw.length, sealed.length)
      this.#counters.sealedSmall(raw.length, sealed.length, dictionary.rawShare)
      return sealed
    } catch (error) {
      return this.#sealFailed(codec.name, error, raw, expiresAt)
    }
  }

  #codecFor(key: Buffer, value: Buffer, options: WriteOptions): Codec {
    const { maxValueSize } = this.#settings
    if (value.length > maxValueSize) throw tooLarge(value.length, maxValueSize)
    return options.codec === undefined ? this.#choice.choose(key, value) : codecForCall(options.codec, key, value)
  }

  /** Why a value is stored raw without trying to compress it; undefined if that is tried. */
  #whyRaw(codec: Codec, length: number): RawReason | undefined {
    if (codec.id === CODEC_ID.none) return codec === leftRaw() ? 'looksIncompressible' : 'codecNone'
    const minSize = this.#settings.minSize ?? defaultMinSize(codec, this.#context.overLevelDb)
    return length < minSize ? 'belowMinSize' : undefined
  }

  #isOffThread(codec: Codec, length: number): boolean {
    return codec.compressSync === undefined || length >= this.#settings.offThreadSize
  }

  #sealHere(codec: Codec, raw: Buffer, expiresAt: number | undefined): Buffer {
    try {
      return this.#keepSmaller(codec, raw, codec.transient?.compress(raw) ?? codec.compressSync!(raw), expiresAt)
    } catch (error) {
      return this.#sealFailed(codec.name, error, raw, expiresAt)
    }
  }

  async #sealOffThread(codec: Codec, raw: Buffer, expiresAt: number | undefined): Promise<Buffer> {
    try {
      const compressed = await compressOffThread(codec, raw)
      // Several may become ready at once, and checksumming and logging megabytes takes a ms each.
      while (this.#turn.isOver) await nextTurn()
      return this.#keepSmaller(codec, raw, compressed, expiresAt)
    } catch (error) {
      return this.#sealFailed(codec.name, error, raw, expiresAt)
    }
  }

  #keepSmaller(codec: Codec, raw: Buffer, compressed: Uint8Array, expiresAt: number | undefined): Buffer {
    // A user's own codec may return anything.
    if (!isUint8Array(compressed)) throw new TypeError(`Codec '${codec.name}' did not return bytes`)
    const maxSize = raw.length * (1 - this.#settings.minSaving)
    const sealed = sealCompressed(codec.id, compressed, raw.length, this.#sealing(expiresAt), maxSize)
    if (sealed === undefined) return this.#sealRaw('incompressible', raw, expiresAt, codec)
    this.#counters.sealed(codec.name, raw.length, sealed.length)
    return sealed
  }

  /** Codecs may fail, data may not: the value is stored as it is. */
  #sealFailed(codecName: string, error: unknown, raw: Buffer, expiresAt: number | undefined): Buffer {
    this.#counters.lastCodecError = error
    this.#onCodecError(codecName, error)
    return this.#sealRaw('codecFailed', raw, expiresAt)
  }

  #sealRaw(reason: RawReason, raw: Buffer, expiresAt: number | undefined, tried?: Codec): Buffer {
    const sealed = sealRaw(raw, this.#sealing(expiresAt, tried && probeOf(tried)))
    this.#counters.sealedRaw(reason, raw.length, sealed.length)
    return sealed
  }
}

function probeOf(codec: Codec): Probe {
  return { codecId: codec.id, effort: codec.effort ?? 0 }
}

/** Calls `onStored`, if it was given, with how many bytes the value takes. */
function reportStored(sealed: Buffer | Promise<Buffer>, { onStored }: WriteOptions): Buffer | Promise<Buffer> {
  if (onStored === undefined) return sealed
  if (typeof onStored !== 'function') throw invalidOption(`onStored must be a function, not ${shown(onStored)}`)
  if (isPromise(sealed)) return sealed.then(envelope => reportStored(envelope, { onStored }))
  onStored(sealed.length)
  return sealed
}

function expiryIn({ ttl }: WriteOptions): number | undefined {
  return ttl === undefined ? undefined : expiryOf(ttl)
}

import { CODEC_ID, type Codec } from '../codec/codec.js'
import { compressing } from '../codec/off-thread.js'
import { expiryOf } from '../envelope/expiry.js'
import { type Sealing, sealCompressed, sealRaw } from '../envelope/seal.js'
import { tooLarge } from '../errors.js'
import { type CodecChoice, codecForCall } from './codec-choice.js'
import { CopyPool } from './copy-pool.js'
import { defaultMinSize, type Settings, type WriteOptions } from './options.js'
import type { Counters, RawReason } from './stats.js'

/** What the store learns when it opens. */
export interface SealingContext extends Pick<Sealing, 'guard' | 'mayOmitChecksum'> {
  readonly overLevelDb: boolean
}

/** Decides how a value is stored, and seals it so. */
export class Sealer {
  readonly #settings: Settings
  readonly #choice: CodecChoice
  readonly #context: SealingContext
  readonly #counters: Counters
  readonly #copies = new CopyPool()
  readonly #onCodecError: (codec: Codec, error: unknown) => void

  constructor(
    settings: Settings,
    choice: CodecChoice,
    context: SealingContext,
    counters: Counters,
    onCodecError: (codec: Codec, error: unknown) => void
  ) {
    this.#settings = settings
    this.#choice = choice
    this.#context = context
    this.#counters = counters
    this.#onCodecError = onCodecError
  }

  /**
   * Seals a value. By the time this returns, `value` is no longer needed: it is sealed or copied.
   *
   * @returns the envelope; a promise of it where a codec works off the main thread. The promise rejects for lack of memory only.
   * @throws what a codec selector throws; CKV_VALUE_TOO_LARGE; CKV_INVALID_OPTION for a bad ttl or codec
   */
  seal(key: Buffer, value: Buffer, options: WriteOptions): Buffer | Promise<Buffer> {
    const { maxValueSize, offThreadSize } = this.#settings
    if (value.length > maxValueSize) throw tooLarge(value.length, maxValueSize)
    const codec = options.codec === undefined ? this.#choice.choose(key, value) : codecForCall(options.codec)
    const expiresAt = options.ttl === undefined ? undefined : expiryOf(options.ttl)

    if (codec.id === CODEC_ID.none) return this.#sealRaw('codecNone', value, expiresAt)
    const minSize = this.#settings.minSize ?? defaultMinSize(codec, this.#context.overLevelDb)
    if (value.length < minSize) return this.#sealRaw('belowMinSize', value, expiresAt)
    if (codec.compressSync === undefined || value.length >= offThreadSize) {
      return this.#sealOffThread(codec, this.#copies.copy(value), expiresAt)
    }
    try {
      return this.#keepSmaller(codec, value, codec.compressSync(value), expiresAt)
    } catch (error) {
      return this.#sealFailed(codec, error, value, expiresAt)
    }
  }

  async #sealOffThread(codec: Codec, copy: Buffer, expiresAt: number | undefined): Promise<Buffer> {
    try {
      const compressed = await compressing(2 * copy.length + (codec.workingBytes ?? 0), () => codec.compress(copy))
      return this.#keepSmaller(codec, copy, compressed, expiresAt)
    } catch (error) {
      return this.#sealFailed(codec, error, copy, expiresAt)
    } finally {
      this.#copies.release(copy)
    }
  }

  #keepSmaller(codec: Codec, raw: Buffer, compressed: Uint8Array, expiresAt: number | undefined): Buffer {
    // A codec of a user's own may return anything.
    if (!(compressed instanceof Uint8Array)) throw new TypeError(`Codec '${codec.name}' did not return bytes`)
    const sealing = expiresAt === undefined ? this.#context : { ...this.#context, expiresAt }
    const maxSize = raw.length * (1 - this.#settings.minSaving)
    const sealed = sealCompressed(codec.id, compressed, raw.length, sealing, maxSize)
    if (sealed === undefined) return this.#sealRaw('incompressible', raw, expiresAt, codec)
    this.#counters.sealed(codec.name, raw.length, sealed.length)
    return sealed
  }

  /** Codecs may fail, data may not: the value is stored as it is. */
  #sealFailed(codec: Codec, error: unknown, raw: Buffer, expiresAt: number | undefined): Buffer {
    this.#counters.lastCodecError = error
    this.#onCodecError(codec, error)
    return this.#sealRaw('codecFailed', raw, expiresAt)
  }

  #sealRaw(reason: RawReason, raw: Buffer, expiresAt: number | undefined, tried?: Codec): Buffer {
    const probe = tried === undefined ? undefined : { codecId: tried.id, effort: tried.effort ?? 0 }
    const bare = expiresAt === undefined && probe === undefined
    const sealed = sealRaw(raw, bare ? this.#context : { ...this.#context, expiresAt, probe })
    this.#counters.sealedRaw(reason, raw.length, sealed.length)
    return sealed
  }
}

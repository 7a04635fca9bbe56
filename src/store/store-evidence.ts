import { isGuard } from '../envelope/guard.js'
import { endLikeGuard, recognizedEnvelope } from '../envelope/recognized-envelope.js'
import { corruption } from '../errors.js'
import { type Marker, newMarker } from './marker.js'

/** More than there are of one guard: if any values are plain, one of these ends is not a guard. */
const MAX_ENDS = 16

/** Values that look plain may be damaged ones. If they are more than this share, they are not. */
const MAX_DAMAGED_SHARE = 1 / 16

/**
 * What stored values show of the store that wrote them, for a marker that is made anew. Where they allow two answers, and one of them would change values,
 * there is none.
 */
export class StoreEvidence {
  /** How many envelopes with a checksum have these 8 bytes after them, which are in hexadecimal. A store has one guard, but it may be damaged. */
  readonly #guards = new Map<string, number>()
  /** Whether there are values without a checksum that end like envelopes with a guard. */
  #perhapsGuarded = false
  /** Some ends of other values that have the form of a guard, in hexadecimal. */
  readonly #ends = new Set<string>()
  /** Envelopes with a checksum and without a guard. */
  #unguarded = 0
  /** Values that end like raw ones without a checksum and without a guard, and may be plain. */
  #perhapsPlain = 0
  /** Values that are plain, or damaged, and do not end like a guard. */
  #plain = 0
  /** How many of these come after an envelope with a checksum. */
  #plainAfterProof = 0
  #ttlUsed = false
  /** The highest id of a dictionary that is there, or that a value needs; 0 if there is none. */
  #dictionary = 0

  /** Whether a store wrote any of the values, to judge by their checksums. */
  get isProof(): boolean {
    return this.#unguarded > 0 || this.#guards.size > 0
  }

  /** @throws LEVEL_NOT_SUPPORTED for an envelope of a later version */
  see(stored: Buffer): void {
    const found = recognizedEnvelope(stored)
    const end = endLikeGuard(stored)?.toString('hex')
    if (found?.proven) {
      if (end === undefined) this.#unguarded++
      else this.#guards.set(end, (this.#guards.get(end) ?? 0) + 1)
      this.#ttlUsed ||= found.trailer.expiresAt !== undefined
      this.seeDictionary(found.trailer.dictionary ?? 0)
    } else if (end !== undefined) {
      this.#perhapsGuarded ||= found !== undefined
      if (this.#ends.size < MAX_ENDS) this.#ends.add(end)
    } else if (found !== undefined) this.#perhapsPlain++
    else {
      this.#plain++
      if (this.isProof) this.#plainAfterProof++
    }
  }

  seeDictionary(id: number): void {
    this.#dictionary = Math.max(this.#dictionary, id)
  }

  /**
   * The marker of a store without a log that wrote such values.
   *
   * @throws LEVEL_CORRUPTION if the values allow other markers too
   */
  marker(storeId: Buffer | undefined): Marker {
    const guard = this.#guard()
    const marker = newMarker(this.#hasPlainValues(guard), storeId)
    return this.complete({ ...marker, guard: guard ?? marker.guard })
  }

  /** A marker with what values show that are newer than it: LevelDB has lost a newer one, and an older one came to light. */
  complete(marker: Marker): Marker {
    const isSwept = this.#unguarded > 0 && !this.#seesPlain(marker.guard)
    const hasNewerDictionary = this.#dictionary > (marker.newestDictionary?.id ?? 0)
    return {
      ...marker,
      plainValues: marker.plainValues && !isSwept,
      ttlUsed: marker.ttlUsed || this.#ttlUsed,
      ...(hasNewerDictionary && { newestDictionary: { id: this.#dictionary, crc: 0 } })
    }
  }

  #seesPlain(guard: Buffer | undefined): boolean {
    if (this.#plain > 0) return true
    return [...this.#ends].some(end => guard === undefined || !isGuard(Buffer.from(end, 'hex'), guard))
  }

  #guard(): Buffer | undefined {
    const [found, ...others] = [...this.#guards].sort(([, a], [, b]) => b - a).map(([end]) => Buffer.from(end, 'hex'))
    if (found === undefined && this.#perhapsGuarded) {
      throw unclear('no value with a checksum shows what guard the values have')
    }
    if (found !== undefined && !others.every(other => isGuard(other, found))) {
      throw unclear('values have the guards of several stores')
    }
    return found
  }

  #hasPlainValues(guard: Buffer | undefined): boolean {
    if (this.#unguarded > 0) {
      // While a store has plain values, every envelope has the guard. So what looks plain is damaged, or plain again: unwrapping goes in the order of keys.
      const isFromStart = this.#plain > 0 && this.#plainAfterProof === 0
      if (isFromStart || this.#plain > this.#unguarded) {
        throw unclear('some values are plain, as in a half unwrapped database')
      }
      return false
    }
    const seesPlain = this.#seesPlain(guard)
    const areTold = guard === undefined ? !seesPlain : this.#plain > this.#perhapsPlain * MAX_DAMAGED_SHARE
    if (this.#perhapsPlain > 0 && !areTold) {
      throw unclear('short values that end with a zero byte may be plain or not')
    }
    return seesPlain
  }
}

function unclear(why: string): Error {
  return corruption(`the store's marker cannot be made anew, since ${why}: restore a backup`)
}

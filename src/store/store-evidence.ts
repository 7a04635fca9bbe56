import { recognizedEnvelope } from '../envelope/recognized-envelope.js'
import { type Marker, newMarker } from './marker.js'

/** Ends of values that may be the guard. A database has one guard, and hardly any other value that ends like an envelope with a guard. */
const MAX_GUARDS = 1000

/**
 * Plain values may end like raw ones of a store: with a zero byte, as numbers do. If a database has both, those that cannot be a store's are plain, unless
 * they are less than this share: then they are damaged.
 */
const MAX_DAMAGED_SHARE = 1 / 16

/** What stored values show of the store that wrote them, for a marker that is made anew. */
export class StoreEvidence {
  /** How many envelopes have these 8 bytes after them, which are in hexadecimal. */
  readonly #guards = new Map<string, number>()
  /** Envelopes with a checksum and without a guard. */
  #unguarded = 0
  /** Values that end like raw ones without a checksum and without a guard, and may be plain. */
  #perhapsPlain = 0
  /** Values that are plain, or damaged. */
  #plain = 0
  #proven = false
  #ttlUsed = false
  /** The highest id of a dictionary that is there, or that a value needs; 0 if there is none. */
  #dictionary = 0

  /** Whether a store wrote any of the values, to judge by their checksums. */
  get isProof(): boolean {
    return this.#proven
  }

  /** @throws LEVEL_NOT_SUPPORTED for an envelope of a later version */
  see(stored: Buffer): void {
    const found = recognizedEnvelope(stored)
    if (found === undefined) this.#plain++
    else if (found.guard !== undefined) this.#countGuard(found.guard.toString('hex'))
    else if (found.proven) this.#unguarded++
    else this.#perhapsPlain++
    if (!found?.proven) return
    this.#proven = true
    this.#ttlUsed ||= found.trailer.expiresAt !== undefined
    this.seeDictionary(found.trailer.dictionary ?? 0)
  }

  seeDictionary(id: number): void {
    this.#dictionary = Math.max(this.#dictionary, id)
  }

  #countGuard(guard: string): void {
    const count = this.#guards.get(guard)
    if (count !== undefined || this.#guards.size < MAX_GUARDS) this.#guards.set(guard, (count ?? 0) + 1)
  }

  /** The marker of a store without a log that wrote such values. */
  marker(storeId: Buffer | undefined): Marker {
    // While a store has plain values, every envelope has the guard.
    const plainValues = this.#unguarded === 0 && this.#plain > this.#perhapsPlain * MAX_DAMAGED_SHARE
    const marker = newMarker(plainValues, storeId)
    const [guard] = [...this.#guards].sort(([, a], [, b]) => b - a)[0] ?? []
    return {
      ...marker,
      guard: guard === undefined ? marker.guard : Buffer.from(guard, 'hex'),
      ttlUsed: this.#ttlUsed,
      ...(this.#dictionary > 0 && { newestDictionary: { id: this.#dictionary, crc: 0 } })
    }
  }
}

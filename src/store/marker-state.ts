import type { Guard } from '../envelope/guard.js'
import { CompressedKvError, notSupported } from '../errors.js'
import type { AnyLevel } from './backend/any-level.js'
import { asBuffer, AS_BYTES, AS_BYTES_SYNCED, KEY_AS_BYTES } from './backend/as-bytes.js'
import { RESERVED_END, RESERVED_START } from './backend/reserved-keys.js'
import { decodeMarker, encodeMarker, guardOf, type Marker, MARKER_KEY, newMarker } from './marker.js'

/**
 * The marker of an open store. A new or changed marker is written, synced, in the same batch of the backend as the first value that depends on it:
 * opening a store writes nothing.
 */
export class MarkerState {
  #marker: Marker
  #stored: Marker | undefined
  #unsaved: Buffer | undefined

  private constructor(marker: Marker, stored: Marker | undefined) {
    this.#marker = marker
    this.#stored = stored
    this.#unsaved = stored === undefined ? encodeMarker(marker) : undefined
  }

  /**
   * Reads the marker; in a backend without one, finds out whether there are plain values.
   *
   * @param storeId for a new marker; by default a random one
   */
  static async load(backend: AnyLevel, storeId?: Buffer): Promise<MarkerState> {
    const stored = await storedMarker(backend)
    if (stored !== undefined) {
      if (stored.unwrapping) throw halfUnwrapped()
      return new MarkerState(stored, stored)
    }

    const reserved = await backend.keys({ gte: RESERVED_START, lt: RESERVED_END, limit: 1, ...KEY_AS_BYTES }).all()
    if (reserved.length > 0) throw foreignReservedKeys()
    await assertNotInsideStore(backend)
    const any = await backend.keys({ limit: 1, ...KEY_AS_BYTES }).all()
    return new MarkerState(newMarker(any.length > 0, storeId), undefined)
  }

  get guard(): Guard {
    return guardOf(this.#marker)
  }

  /** The marker as it is now, stored or not. */
  get current(): Marker {
    return this.#marker
  }

  get ttlUsed(): boolean {
    return this.#marker.ttlUsed
  }

  get storeId(): Buffer {
    return this.#marker.storeId
  }

  /** The marker that the backend is known to have; undefined if it has none. */
  get stored(): Marker | undefined {
    return this.#stored
  }

  /** Call before the first value with a TTL is queued. */
  useTtl(): void {
    if (!this.#marker.ttlUsed) this.update({ ttlUsed: true })
  }

  /** Changes the marker. The next batch writes it. */
  update(changes: Partial<Omit<Marker, 'storeId' | 'guard'>>): void {
    this.#marker = { ...this.#marker, ...changes }
    this.#unsaved = encodeMarker(this.#marker)
  }

  /** What the next batch with a value must write under {@link MARKER_KEY}, synced; undefined if the backend has the newest marker. */
  get unsaved(): Buffer | undefined {
    return this.#unsaved
  }

  /** Writes a changed marker alone, synced. Call while no batch is writing one. */
  async save(backend: AnyLevel): Promise<void> {
    const marker = this.#unsaved
    if (marker === undefined) return
    await backend.put(MARKER_KEY, marker, AS_BYTES_SYNCED)
    this.saved(marker)
  }

  /** @param marker as {@link unsaved} gave it */
  saved(marker: Buffer): void {
    this.#stored = decodeMarker(marker)
    if (this.#unsaved === marker) this.#unsaved = undefined
  }
}

/**
 * The marker that a backend has; undefined if no store has written to it.
 *
 * @throws LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED for a marker that is damaged or from a later version; errors of the backend
 */
export async function storedMarker(backend: AnyLevel): Promise<Marker | undefined> {
  const stored = await backend.get<Buffer, Uint8Array>(MARKER_KEY, AS_BYTES)
  return stored === undefined ? undefined : decodeMarker(asBuffer(stored))
}

export function halfUnwrapped(): CompressedKvError {
  return notSupported('This database is half unwrapped: call unwrap(), or run `ckv unwrap`, on it once more')
}

/** The error of a backend that has keys under the reserved prefix and no marker: this library did not write them. */
function foreignReservedKeys(): CompressedKvError {
  return new CompressedKvError(
    'LEVEL_INVALID_KEY',
    'The backend holds keys that begin with ff 63 6b 76 00, which this store reserves, and they are not its own: ' +
      'move them away through the backend before wrapping it'
  )
}

/** @throws LEVEL_NOT_SUPPORTED for a sublevel of a wrapped database: what the store over that has written would be taken for plain values */
export async function assertNotInsideStore(backend: AnyLevel): Promise<void> {
  type Level = AnyLevel & { parent?: Level | null }
  for (let above = (backend as Level).parent; above; above = above.parent) {
    if ((await above.get<Buffer, Uint8Array>(MARKER_KEY, AS_BYTES)) === undefined) continue
    throw notSupported(
      'This sublevel lies in a database that a CompressedKvStore has written to: wrap that database instead'
    )
  }
}

import type { AnyLevel } from './any-level.js'
import { KEY_AS_BYTES } from './as-bytes.js'
import { RESERVED_END } from './reserved-keys.js'

/**
 * Whether the reserved keys are the last ones of a backend, as they nearly always are. Then iterators end before them. To find the last key below the
 * marker, LevelDB would go through all versions of the marker that it has not compacted yet. Each flush leaves one, and without a MemTable each write.
 */
export class LastKeys {
  #areReserved: boolean

  private constructor(areReserved: boolean) {
    this.#areReserved = areReserved
  }

  /** Where iterators gain nothing from it, or keys may be written in other ways than through one store. */
  static unknown(): LastKeys {
    return new LastKeys(false)
  }

  /** Never rejects: a backend that cannot be read says so when it is read for a caller. */
  static async of(backend: AnyLevel): Promise<LastKeys> {
    try {
      const above = await backend.keys({ gte: RESERVED_END, limit: 1, ...KEY_AS_BYTES }).all()
      return new LastKeys(above.length === 0)
    } catch {
      return LastKeys.unknown()
    }
  }

  get areReserved(): boolean {
    return this.#areReserved
  }

  /** Call before a key is written. */
  beforeWrite(key: Uint8Array): void {
    if (key[0] === 0xff && Buffer.compare(key, RESERVED_END) >= 0) this.#areReserved = false
  }
}

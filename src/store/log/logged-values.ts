import { corruption } from '../../errors.js'
import type { Unseal } from '../../wal/format/decoded-frame.js'
import type { RecordCursor } from '../../wal/format/record-cursor.js'
import type { AnyLevel } from '../backend/any-level.js'
import { isReserved } from '../backend/reserved-keys.js'
import type { Coding, CodingFor } from '../coding.js'
import type { Dictionaries } from '../dictionaries/dictionaries.js'
import { decodeMarker, guardOf, type Marker, MARKER_KEY } from '../marker.js'

/** Opens and seals the values in a store's own log. For that it needs the store's marker, which may itself be in the log. */
export class LoggedValues {
  readonly #codingFor: CodingFor
  readonly #dictionaries: Dictionaries
  #coding: Coding | undefined
  #storeId: Buffer | undefined

  constructor(codingFor: CodingFor, dictionaries: Dictionaries) {
    this.#codingFor = codingFor
    this.#dictionaries = dictionaries
  }

  /** Call when the marker has been read. */
  use(marker: Marker): Coding {
    this.#storeId = marker.storeId
    return (this.#coding = this.#codingFor(guardOf(marker)))
  }

  readonly unseal: Unseal = envelope => this.#required.unsealer.unsealed(envelope)

  /** Call with each record under a reserved key. */
  learn(key: Buffer, value: Buffer): void {
    if (key.equals(MARKER_KEY)) this.use(decodeMarker(value))
    else if (this.#storeId !== undefined) this.#dictionaries.learn(key, value, this.#storeId)
  }

  /** Loads the dictionaries that a backend has. */
  loadDictionaries(backend: AnyLevel, storeId: Buffer): Promise<void> {
    return this.#dictionaries.load(backend, storeId)
  }

  /** What the backend gets for a record that puts something. */
  stored(record: RecordCursor): Buffer | Promise<Buffer> {
    const { key, value, sealed, expiresAt } = record
    if (sealed || isReserved(key)) return value
    return this.#required.sealer.sealLogged(key, value, expiresAt === 0 ? undefined : expiresAt)
  }

  get #required(): Coding {
    if (this.#coding !== undefined) return this.#coding
    throw corruption(
      "the log holds values before a store's marker, as one that is used alone does: give the store a directory of its own for its log"
    )
  }
}

import { corruption } from '../errors.js'
import type { Unseal } from '../wal/decoded-frame.js'
import type { RecordCursor } from '../wal/record-cursor.js'
import type { Coding, CodingFor } from './coding.js'
import type { Marker } from './marker.js'
import { isReserved } from './reserved-keys.js'

/** Values in the store's own log: known how to open and to seal only once the store's marker has been read, which may be in the log. */
export class LoggedValues {
  readonly #codingFor: CodingFor
  #coding: Coding | undefined

  constructor(codingFor: CodingFor) {
    this.#codingFor = codingFor
  }

  /** Call when the marker has been read. */
  use({ guard, plainValues }: Pick<Marker, 'guard' | 'plainValues'>): Coding {
    return (this.#coding = this.#codingFor({ bytes: guard, plainValues }))
  }

  readonly unseal: Unseal = envelope => this.#required.unsealer.valueIn(envelope)

  /** What the backend gets for a record that puts something. */
  stored(record: RecordCursor): Buffer | Promise<Buffer> {
    const { key, value, sealed, expiresAt } = record
    if (sealed || isReserved(key)) return value
    return this.#required.sealer.sealLogged(key, value, expiresAt === 0 ? undefined : expiresAt)
  }

  get #required(): Coding {
    if (this.#coding !== undefined) return this.#coding
    throw corruption("the log holds values before the store's marker")
  }
}

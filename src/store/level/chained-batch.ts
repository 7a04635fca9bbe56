import { AbstractChainedBatch, type AbstractChainedBatchWriteOptions, type AbstractSublevel } from 'abstract-level'
import type { AnyLevel } from '../backend/any-level.js'
import { encodedKey, encodedValue } from '../backend/as-bytes.js'
import { rootOf } from '../backend/backend.js'
import type { WriteOptions } from '../options/options.js'
import { assertOwnSublevel, type EncodedOperation, hasOwnOptions } from './operations.js'

type WriteBatch = (operations: readonly EncodedOperation[], options: WriteOptions) => Promise<void>

const Base = AbstractChainedBatch as unknown as new (
  db: AnyLevel,
  options: { add: true }
) => AbstractChainedBatch<AnyLevel, never, never>

/** Collects operations and writes them as one batch. */
export class StoreChainedBatch extends Base {
  readonly #db: AnyLevel
  readonly #writeBatch: WriteBatch
  #operations: EncodedOperation[] = []
  /** How many of the operations the caller gave. Those after them were added by hooks. */
  #given = 0

  /** @param db the store, or a sublevel of it */
  constructor(db: AnyLevel, writeBatch: WriteBatch) {
    super(db, { add: true })
    this.#db = db
    this.#writeBatch = writeBatch
  }

  // abstract-level does not check that a sublevel belongs to the store. With one elsewhere in the same store it writes a put correctly, but for a del
  // it would delete a wrong key.
  override put(key: never, value: never, options: { sublevel?: AnySublevel | undefined } = {}): this {
    assertOwnSublevel(options?.sublevel, rootOf(this.#db))
    return super.put(key, value, options as never)
  }

  override del(key: never, options: { sublevel?: AnySublevel | undefined } = {}): this {
    assertOwnSublevel(options?.sublevel, this.#db)
    return super.del(key, options as never)
  }

  _add(operation: EncodedOperation): void {
    // The caller may change its buffers before it calls write().
    const key = Buffer.from(encodedKey(operation.key))
    const value = operation.type === 'put' ? { value: Buffer.from(encodedValue(operation.value)) } : {}
    this.#operations.push({ ...operation, key, ...value })
  }

  _clear(): void {
    this.#operations = []
  }

  /** Counts the caller's operations first: in super.write() abstract-level adds those of hooks. */
  override write(options?: AbstractChainedBatchWriteOptions): Promise<void> {
    this.#given = this.#operations.length
    return super.write(options!)
  }

  /** The options hold for the operations that the caller gave, and not for those of hooks, as in abstract-level for an array of operations. */
  async _write(options: WriteOptions): Promise<void> {
    if (!hasOwnOptions(options)) return this.#writeBatch(this.#operations, options)
    const merged = this.#operations.map((operation, i) => (i < this.#given ? { ...options, ...operation } : operation))
    return this.#writeBatch(merged, options)
  }
}

// oxlint-disable-next-line typescript/no-explicit-any
type AnySublevel = AbstractSublevel<any, any, any, any>

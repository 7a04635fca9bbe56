import { invalidOption, notSupported } from '../../errors.js'
import { shown } from '../../option-checks.js'
import type { AnyLevel } from '../backend/any-level.js'
import { encodedKey, encodedValue } from '../backend/as-bytes.js'
import type { WriteOptions } from '../options/options.js'
import type { WriteRequest } from '../writing/writes.js'

/** An operation as abstract-level hands it to a database: encoded, prefixed, with the caller's options on it. */
export interface EncodedOperation extends WriteOptions {
  readonly type: 'put' | 'del'
  readonly key: Buffer
  readonly value: Buffer
  /** abstract-level removes it if it is a sublevel of this database. */
  readonly sublevel?: AnyLevel | null
}

/** A batch as the write path takes it. `sync` is true if any operation, or the batch, asks for stable storage. */
export function batchRequests(
  operations: readonly EncodedOperation[],
  defaults: WriteOptions
): { requests: WriteRequest[]; sync: boolean } {
  const requests = operations.map(operation => ({
    type: operation.type,
    key: encodedKey(operation.key),
    value: operation.type === 'put' ? encodedValue(operation.value) : undefined,
    options: optionsOf(operation, defaults)
  }))
  return { requests, sync: defaults.sync === true || operations.some(({ sync }) => sync === true) }
}

/**
 * The options of one operation. In an operation that the caller gave, abstract-level has put the options of the call already; if one of its own options
 * is undefined, that of the call holds. An operation that a hook has added only has its own options.
 */
function optionsOf(operation: EncodedOperation, defaults: WriteOptions): WriteOptions {
  const own = <Name extends keyof WriteOptions>(name: Name) =>
    operation[name] === undefined && name in operation ? defaults[name] : operation[name]
  return { codec: own('codec'), ttl: own('ttl'), onStored: own('onStored') }
}

/**
 * The arguments of a sublevel's `_batch`, changed for the `batch` of its parent: that would apply the options of the call also to operations that hooks
 * of the sublevel have added. So they are put into each operation that they hold for.
 */
export function toParent(
  operations: readonly EncodedOperation[],
  options: WriteOptions
): [operations: readonly EncodedOperation[], options: WriteOptions] {
  if (!hasOwnOptions(options)) return [operations, options]
  const { codec: _, ttl: __, onStored: ___, ...others } = options
  return [operations.map(operation => ({ ...operation, ...optionsOf(operation, options) })), others]
}

/**
 * The same operation with its value as bytes.
 *
 * @throws LEVEL_INVALID_VALUE
 */
export function withEncodedValue(operation: EncodedOperation): EncodedOperation {
  if (operation.type === 'del' || Buffer.isBuffer(operation.value)) return operation
  return { ...operation, value: encodedValue(operation.value) }
}

/** Whether a call has options that hold for each operation separately. */
export function hasOwnOptions({ codec, ttl, onStored }: WriteOptions): boolean {
  return codec !== undefined || ttl !== undefined || onStored !== undefined
}

/** @throws CKV_INVALID_OPTION for anything but a boolean: 1 or 'true' must not be taken for false */
export function assertSync({ sync }: Pick<WriteOptions, 'sync'>): void {
  if (sync !== undefined && typeof sync !== 'boolean') {
    throw invalidOption(`sync must be true or false, not ${shown(sync)}`)
  }
}

/** @throws LEVEL_NOT_SUPPORTED if `sublevel` is neither `db` nor below it */
export function assertOwnSublevel(sublevel: AnyLevel | null | undefined, db: AnyLevel): void {
  for (let at = sublevel; at !== undefined && at !== null; at = (at as { parent?: AnyLevel }).parent) {
    if (at === db) return
  }
  if (sublevel === undefined || sublevel === null) return
  throw notSupported(
    'A batch operation names a sublevel of another database: make it with sublevel() of this store, or of one of its sublevels'
  )
}

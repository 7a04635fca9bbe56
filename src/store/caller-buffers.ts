import type { AnyLevel } from './any-level.js'
import { encodedKey, encodedValue } from './as-bytes.js'
import { StoreChainedBatch } from './chained-batch.js'
import { type EncodedOperation, toParent, withEncodedValue } from './operations.js'
import type { WriteOptions } from './options.js'

/*
 * What is handed in is copied at the call, because the caller may change its buffer right after. Sealing the value does that where a
 * call is carried out at once. But abstract-level keeps the arguments of a call made before the database is open, also of a seek of an
 * iterator made before, and those of a sublevel's chained batch until it is written.
 */

type Method = (...args: unknown[]) => unknown
type Writer = AnyLevel & { _batch(operations: readonly EncodedOperation[], options: WriteOptions): Promise<void> }

/** Makes the methods of `db`, and of the sublevels made from it, copy what abstract-level would keep. */
export function copyArguments(db: AnyLevel): void {
  for (const [name, copy] of Object.entries(COPIES)) {
    const call = methodOf(db, name)
    define(db, name, (...args) => {
      if (db.status !== 'opening') return call.apply(db, args)
      const made = call.apply(db, args.length > 0 ? copy(args) : args)
      return ITERATORS.has(name) ? copyingSeeks(made as Seekable) : made
    })
  }
  const makeSublevel = methodOf(db, 'sublevel')
  define(db, 'sublevel', (...args) => {
    const sublevel = makeSublevel.apply(db, args) as Writer
    copyArguments(sublevel)
    const prefixed = methodOf(sublevel, 'prefixKey') // Takes nothing but bytes.
    define(sublevel, 'prefixKey', (key, format, local) => prefixed.call(sublevel, encodedKey(key), format, local))
    const put = methodOf(sublevel, '_put') // It and `_batch` hand on to the store, which would make text of any value but bytes.
    define(sublevel, '_put', (key, value, options) => put.call(sublevel, key, encodedValue(value), options))
    const writeBatch = methodOf(sublevel, '_batch')
    const batch: Writer['_batch'] = (operations, options) =>
      writeBatch.apply(sublevel, toParent(operations.map(withEncodedValue), options)) as Promise<void>
    define(sublevel, '_batch', batch as Method)
    define(
      sublevel,
      '_chainedBatch',
      () => new StoreChainedBatch(sublevel, (operations, options) => sublevel._batch(operations, options))
    )
    return sublevel
  })
}

const ITERATORS: ReadonlySet<string> = new Set(['iterator', 'keys', 'values'])
interface Seekable {
  readonly seek: Method
}

function copyingSeeks(iterator: Seekable): Seekable {
  const { seek } = iterator
  define(iterator, 'seek', (target, ...rest) => seek.call(iterator, copied(target), ...rest))
  return iterator
}

function methodOf(object: object, name: string): Method {
  return (object as Record<string, Method>)[name]!
}

function define(object: object, name: string, method: Method): void {
  Object.defineProperty(object, name, { value: method, configurable: true, writable: true })
}

/** Which arguments of which method are bytes. */
const COPIES: Record<string, (args: unknown[]) => unknown[]> = {
  put: ([key, value, ...rest]) => [copied(key), copied(value), ...rest],
  del: ([key, ...rest]) => [copied(key), ...rest],
  batch: ([operations, ...rest]) => [
    Array.isArray(operations) ? operations.map(operation => withCopied(operation, ['key', 'value'])) : operations,
    ...rest
  ],
  clear: ([options, ...rest]) => [copiedBounds(options), ...rest],
  get: ([key, ...rest]) => [copied(key), ...rest],
  has: ([key, ...rest]) => [copied(key), ...rest],
  getMany: ([keys, ...rest]) => [Array.isArray(keys) ? keys.map(copied) : keys, ...rest],
  hasMany: ([keys, ...rest]) => [Array.isArray(keys) ? keys.map(copied) : keys, ...rest],
  iterator: ([options, ...rest]) => [copiedBounds(options), ...rest],
  keys: ([options, ...rest]) => [copiedBounds(options), ...rest],
  values: ([options, ...rest]) => [copiedBounds(options), ...rest]
}

/** A copy of range options with bounds of its own. */
function copiedBounds<T>(options: T): T {
  return withCopied(options, ['gt', 'gte', 'lt', 'lte'])
}

function withCopied<T>(object: T, names: readonly string[]): T {
  if (typeof object !== 'object' || object === null) return object
  const copy = { ...object } as Record<string, unknown>
  for (const name of names) if (name in copy) copy[name] = copied(copy[name])
  return copy as T
}

/** A view of the same kind over memory of its own, no larger than what the view shows. */
function copied(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (value instanceof DataView) return new DataView(new Uint8Array(bytesOf(value)).buffer)
  return ArrayBuffer.isView(value) ? (value as Uint8Array).slice() : value
}

function bytesOf({ buffer, byteOffset, byteLength }: DataView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

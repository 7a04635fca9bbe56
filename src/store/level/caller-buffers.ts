import { isDataView } from 'node:util/types'
import type { AnyLevel } from '../backend/any-level.js'
import { type Method, override } from '../backend/override.js'
import { deferredIterator } from './deferred-iterator.js'

/*
 * Buffers that are handed in must be copied during the call, because the caller may change them right afterwards. If a call is carried out at once, the
 * write path does so. But abstract-level keeps the arguments of calls that are made before the database is open, and of seeks of iterators that were
 * made before: these are copied here.
 */

/** Makes the methods of the store, or of a sublevel, copy the arguments that abstract-level would keep. */
export function copyArguments(db: AnyLevel): void {
  for (const [name, copy] of Object.entries(COPIES)) {
    override(db, name, call => (...args) => {
      if (db.status !== 'opening') return call.apply(db, args)
      const make = () => call.apply(db, args.length > 0 ? copy(args) : args)
      return ITERATORS.has(name) ? copyingSeeks(deferredIterator(db, make as () => Seekable)) : make()
    })
  }
}

const ITERATORS: ReadonlySet<string> = new Set(['iterator', 'keys', 'values'])

interface Seekable {
  readonly seek: Method
}

function copyingSeeks(iterator: Seekable): Seekable {
  override(
    iterator,
    'seek',
    seek =>
      (target, ...rest) =>
        seek.call(iterator, copied(target), ...rest)
  )
  return iterator
}

/** How the arguments of each method are copied. */
const COPIES: Record<string, (args: unknown[]) => unknown[]> = {
  put: ([key, value, ...rest]) => [copied(key), copied(value), ...rest.map(copiedOptions)],
  del: ([key, ...rest]) => [copied(key), ...rest.map(copiedOptions)],
  batch: ([operations, ...rest]) => [
    Array.isArray(operations) ? operations.map(operation => withCopied(operation, ['key', 'value'])) : operations,
    ...rest.map(copiedOptions)
  ],
  clear: ([options, ...rest]) => [copiedOptions(options), ...rest],
  get: ([key, ...rest]) => [copied(key), ...rest.map(copiedOptions)],
  has: ([key, ...rest]) => [copied(key), ...rest.map(copiedOptions)],
  getMany: ([keys, ...rest]) => [Array.isArray(keys) ? keys.map(copied) : keys, ...rest.map(copiedOptions)],
  hasMany: ([keys, ...rest]) => [Array.isArray(keys) ? keys.map(copied) : keys, ...rest.map(copiedOptions)],
  iterator: ([options, ...rest]) => [copiedOptions(options), ...rest],
  keys: ([options, ...rest]) => [copiedOptions(options), ...rest],
  values: ([options, ...rest]) => [copiedOptions(options), ...rest]
}

/** A copy of options, and of the bounds in them if they are those of a range. */
function copiedOptions<T>(options: T): T {
  return withCopied(options, ['gt', 'gte', 'lt', 'lte'])
}

function withCopied<T>(object: T, names: readonly string[]): T {
  if (typeof object !== 'object' || object === null) return object
  const copy = { ...object } as Record<string, unknown>
  for (const name of names) if (name in copy) copy[name] = copied(copy[name])
  return copy as T
}

/** A copy of a view, of the same type, with only as much memory as the view shows; anything else as it is. */
function copied(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (isDataView(value)) return new DataView(new Uint8Array(bytesOf(value)).buffer)
  return ArrayBuffer.isView(value) ? (value as Uint8Array).slice() : value
}

function bytesOf({ buffer, byteOffset, byteLength }: DataView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

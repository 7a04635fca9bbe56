import type { AnyLevel } from './any-level.js'

/*
 * abstract-level keeps the arguments of a call that is made before the database is open, and uses them once it is. But what is
 * handed in is copied at the call: the caller may change its buffer right after.
 */

type Method = (...args: unknown[]) => unknown

/** Makes the writing methods of `db`, and of the sublevels made from it, copy their arguments while it opens. */
export function copyDeferredArguments(db: AnyLevel): void {
  for (const [name, copy] of Object.entries(COPIES)) {
    const call = (db as unknown as Record<string, Method>)[name]!
    Object.defineProperty(db, name, {
      configurable: true,
      writable: true,
      value: (...args: unknown[]) => call.apply(db, db.status === 'opening' && args.length > 0 ? copy(args) : args)
    })
  }
  const makeSublevel = (db as unknown as Record<string, Method>)['sublevel']!
  Object.defineProperty(db, 'sublevel', {
    configurable: true,
    writable: true,
    value: (...args: unknown[]) => {
      const made = makeSublevel.apply(db, args) as AnyLevel
      copyDeferredArguments(made)
      return made
    }
  })
}

/** Which arguments of which method are bytes. */
const COPIES: Record<string, (args: unknown[]) => unknown[]> = {
  put: ([key, value, ...rest]) => [copied(key), copied(value), ...rest],
  del: ([key, ...rest]) => [copied(key), ...rest],
  batch: ([operations, ...rest]) => [
    Array.isArray(operations) ? operations.map(operation => withCopied(operation, ['key', 'value'])) : operations,
    ...rest
  ],
  clear: ([options, ...rest]) => [withCopied(options, ['gt', 'gte', 'lt', 'lte']), ...rest]
}

function withCopied(object: unknown, names: readonly string[]): unknown {
  if (typeof object !== 'object' || object === null) return object
  const copy: Record<string, unknown> = { ...object }
  for (const name of names) if (name in copy) copy[name] = copied(copy[name])
  return copy
}

function copied(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  return ArrayBuffer.isView(value) ? structuredClone(value) : value
}

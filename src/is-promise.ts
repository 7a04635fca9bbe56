/**
 * Whether something has to be waited for. Not by `instanceof`: a program may have replaced `Promise` (bluebird, zone.js), and what an async
 * function returns is then none of those.
 */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

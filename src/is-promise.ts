/**
 * Whether something has to be waited for. `instanceof Promise` would not do: a program may have replaced `Promise` (bluebird, zone.js), and what an
 * async function returns is no instance of that.
 */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

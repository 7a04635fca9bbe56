export type Method = (...args: unknown[]) => unknown

/** Replaces a method of one object, but not of others of its class. */
export function override(object: object, name: string, replacement: (original: Method) => Method): void {
  const value = replacement((object as Record<string, Method>)[name]!)
  Object.defineProperty(object, name, { value, configurable: true, writable: true })
}

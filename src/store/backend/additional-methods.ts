import type { AnyLevel } from './any-level.js'
import { encodedKey, KEY_AS_BYTES } from './as-bytes.js'

/** Calls a method of the backend that takes two keys, given in the store's encoding. The writes that were accepted before are flushed first. */
export async function callWithRange<K>(
  store: AnyLevel & { flush(): Promise<void> },
  backend: AnyLevel,
  method: 'compactRange' | 'approximateSize',
  start: K,
  end: K,
  options: { keyEncoding?: string } | undefined
): Promise<unknown> {
  if (start === undefined || end === undefined) throw new TypeError("The arguments 'start' and 'end' are required")
  const encoding = store.keyEncoding((options?.keyEncoding ?? store.keyEncoding()) as 'buffer')
  // Copied, since the caller may use its buffers again while the flush is under way.
  const [from, to] = [start, end].map(key => Buffer.from(encodedKey(encoding.encode(key as Buffer))))
  await store.flush()
  return (backend as unknown as Record<typeof method, (...range: unknown[]) => unknown>)[method](from, to, KEY_AS_BYTES)
}

/** Hides the methods of the store that only call the backend's, where it has none: programs look for one to learn whether a database has it. */
export function hideMissingMethods(store: AnyLevel, backend: AnyLevel): void {
  for (const name of ['compactRange', 'approximateSize', 'getProperty']) {
    if (typeof (backend as AnyLevel & Record<string, unknown>)[name] === 'function') continue
    Object.defineProperty(store, name, { value: undefined, writable: true, configurable: true })
  }
}

/** Gives the store the methods that only this backend has. They are called as they are, with the backend's own encodings. */
export function forwardAdditionalMethods(store: AnyLevel, backend: AnyLevel): void {
  for (const name of Object.keys(backend.supports.additionalMethods)) {
    if (name in store) continue
    const call = (backend as AnyLevel & Record<string, unknown>)[name]
    if (typeof call !== 'function') continue
    Object.defineProperty(store, name, { value: (...args: unknown[]) => call.apply(backend, args) as unknown })
  }
}

import { notSupported } from '../../errors.js'
import type { AnyLevel } from './any-level.js'
import { encodedKey, KEY_AS_BYTES } from './as-bytes.js'

/** Calls a method of the backend that takes two keys, with keys in the store's encoding, after the writes that were accepted before. */
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
  // Copies: the caller may use its buffers again while the flush is under way.
  const [from, to] = [start, end].map(key => Buffer.from(encodedKey(encoding.encode(key as Buffer))))
  await store.flush()
  const call = (backend as AnyLevel & Record<string, unknown>)[method]
  if (typeof call !== 'function') throw notSupported(`The backend has no ${method}()`)
  return call.call(backend, from, to, KEY_AS_BYTES) as unknown
}

export function backendProperty(backend: AnyLevel, property: string): string {
  const { getProperty } = backend as { getProperty?: (name: string) => string }
  if (typeof getProperty !== 'function') throw notSupported('The backend has no getProperty()')
  return getProperty.call(backend, property)
}

/** Methods that only some backends have are called as they are, with the backend's own encodings. */
export function forwardAdditionalMethods(store: AnyLevel, backend: AnyLevel): void {
  for (const name of Object.keys(backend.supports.additionalMethods)) {
    if (name in store) continue
    const call = (backend as AnyLevel & Record<string, unknown>)[name]
    if (typeof call !== 'function') continue
    Object.defineProperty(store, name, { value: (...args: unknown[]) => call.apply(backend, args) as unknown })
  }
}

import type { AbstractLevel } from 'abstract-level'

/** A database of any kind. Its own format, key and value types stand in both argument and result positions. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyLevel = AbstractLevel<any, any, any>

/**
 * What the types of a backend must fit. Any abstract-level database does, also one like `Level` whose own methods are typed so
 * narrowly (`typeof this` in batch, iterators, hooks) that TypeScript does not let it pass for an AbstractLevel. K and V are
 * inferred from it; `get` is left out, because its result would make V of a database made in place `undefined`.
 */
export type Wrappable<K, V> = Pick<
  // oxlint-disable-next-line typescript/no-explicit-any
  AbstractLevel<any, K, V>,
  'supports' | 'status' | 'open' | 'close' | 'put' | 'del' | 'keyEncoding' | 'valueEncoding' | 'attachResource'
>

/** Tells a backend that keys and values come and go as bytes, whatever its own encodings are. */
export const AS_BYTES = Object.freeze({ keyEncoding: 'buffer', valueEncoding: 'buffer' })
export const KEY_AS_BYTES = Object.freeze({ keyEncoding: 'buffer' })

/** A Buffer over the same memory, for APIs that hand out any Uint8Array. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

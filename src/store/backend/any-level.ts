import type { AbstractLevel } from 'abstract-level'

/** A database of any kind. Its own format, key and value types stand in both argument and result positions. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyLevel = AbstractLevel<any, any, any>

/**
 * What the types of a backend must fit. Any abstract-level database does, also one like `Level` whose own methods are typed so
 * narrowly (`typeof this` in batch, iterators, hooks) that TypeScript does not let it pass for an AbstractLevel. K and V are
 * inferred from it; `get` is left out, because from its result V of a database made in the call would be inferred as `undefined`.
 */
export type Wrappable<K, V> = Pick<
  // oxlint-disable-next-line typescript/no-explicit-any
  AbstractLevel<any, K, V>,
  'supports' | 'status' | 'open' | 'close' | 'put' | 'del' | 'keyEncoding' | 'valueEncoding' | 'attachResource'
>

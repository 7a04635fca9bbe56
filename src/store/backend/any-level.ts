import type { AbstractLevel } from 'abstract-level'

/** A database of any kind. Its own format, key and value types stand in both argument and result positions. */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyLevel = AbstractLevel<any, any, any>

/**
 * The type of what can be wrapped. Any abstract-level database fits, even one like `Level` whose methods are typed so narrowly (`typeof this` in batch,
 * iterators, hooks) that TypeScript does not accept it as an AbstractLevel. K and V are inferred from it. `get` is left out: from its result,
 * TypeScript would infer V as `undefined` for a database that is made within the call.
 */
export type Wrappable<K, V> = Pick<
  // oxlint-disable-next-line typescript/no-explicit-any
  AbstractLevel<any, K, V>,
  'supports' | 'status' | 'open' | 'close' | 'put' | 'del' | 'keyEncoding' | 'valueEncoding' | 'attachResource'
>

import type { WriteOptions } from 'compressed-kv'

const AS_TEXT = { keyEncoding: 'utf8', valueEncoding: 'utf8' } as const
const AS_BYTES = { keyEncoding: 'utf8', valueEncoding: 'buffer' } as const

/** The cache's encodings, whatever the store's own are. */
export const ENCODINGS = { text: AS_TEXT, bytes: AS_BYTES } as const

type Encodings = typeof AS_TEXT | typeof AS_BYTES

export type Operation =
  | ({ readonly type: 'put'; readonly key: string; readonly value: unknown } & Encodings &
      Pick<WriteOptions, 'codec' | 'onStored'>)
  | { readonly type: 'del'; readonly key: string; readonly keyEncoding: 'utf8' }

/** The methods of a store that the cache uses. A `CompressedKvStore` of any key and value type has them, and so does a sublevel of one. */
export interface TensorBackingStore {
  getMany(keys: string[], options: typeof AS_BYTES): Promise<unknown[]>
  batch(operations: Operation[], options: typeof AS_TEXT): Promise<void>
  clear(options: { keyEncoding: 'utf8'; gte: string; lt: string }): Promise<void>
  iterator(options: typeof AS_TEXT & { gte: string; lt: string }): {
    next(): Promise<[string, string] | undefined>
    close(): Promise<void>
  }
  keys(options: { keyEncoding: 'utf8'; gte: string; lt: string }): AsyncIterable<string>
  once(event: 'closed', listener: () => void): unknown
  /** Of a sublevel: the store that it belongs to, and the prefix of its keys. */
  readonly db?: object
  readonly prefix?: string
}

import type { CompressedKvStore, WriteOptions } from 'compressed-kv'
import { storeOf } from '../given-store.js'

/** Where blobs can be kept: in a `CompressedKvStore` of any key and value type, or in a sublevel of one. */
export interface BlobBackingStore {
  sublevel(name: string, options: { keyEncoding: 'buffer'; valueEncoding: 'buffer' }): unknown
}

export type PutOperation = { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
export type DelOperation = { readonly type: 'del'; readonly key: Buffer }

interface KeyRange {
  readonly gt?: Buffer
  readonly gte?: Buffer
  readonly lt?: Buffer
  readonly lte?: Buffer
  readonly limit?: number
  readonly reverse?: boolean
}

/** The methods used here of a sublevel whose keys and values are bytes. */
export interface BytesLevel {
  readonly db: CompressedKvStore<unknown, unknown>
  readonly prefix: string
  readonly status: string
  get(key: Buffer): Promise<Buffer | undefined>
  has(key: Buffer): Promise<boolean>
  put(key: Buffer, value: Uint8Array, options: WriteOptions): Promise<void>
  batch(operations: (PutOperation | DelOperation)[], options: Pick<WriteOptions, 'sync'>): Promise<void>
  keys(range: KeyRange): AsyncIterable<Buffer> & { all(): Promise<Buffer[]> }
  iterator(range: KeyRange): { next(): Promise<[Buffer, Buffer] | undefined>; close(): Promise<void> }
}

/**
 * The sublevels in use: by the store or sublevel that they were made of, then by name. An abstract-level database keeps every sublevel that was
 * made of it until it is closed, so that one for each `BlobStore` would add up.
 */
const levels = new WeakMap<object, Map<string, BytesLevel>>()

/**
 * The sublevel that blobs are in. As long as it is open, every call with the same store and name returns the same one.
 *
 * @throws LEVEL_NOT_SUPPORTED if `store` is neither a `CompressedKvStore` nor a sublevel of one
 */
export function bytesLevel(store: BlobBackingStore, name: string): BytesLevel {
  const known = levels.get(store)?.get(name)
  if (known?.status === 'opening' || known?.status === 'open') return known
  const level = store?.sublevel?.(name, { keyEncoding: 'buffer', valueEncoding: 'buffer' }) as BytesLevel
  storeOf(level, 'BlobStore')
  levels.set(store, (levels.get(store) ?? new Map<string, BytesLevel>()).set(name, level))
  return level
}

/**
 * Whether a write that survives a crash means that all writes before it survive as well. With a log it does. In LevelDB alone a synced write may
 * survive while an earlier one that was not synced is lost.
 */
export function keepsOrder({ db }: BytesLevel): boolean {
  return db.wal !== undefined
}

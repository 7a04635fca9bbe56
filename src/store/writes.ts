import type { EncodedClearOptions } from './clear.js'
import type { WriteOptions } from './options.js'

/** An operation as a caller asks for it; its buffers are the caller's own. */
export interface WriteRequest {
  readonly type: 'put' | 'del'
  readonly key: Buffer
  /** Of a put. */
  readonly value: Buffer | undefined
  readonly options: WriteOptions
}

/**
 * A write path: with a MemTable `TableWrites`, without one `BackendWrites`. Calls keep their order key by key, what one call asks for is
 * done all or none, and what is handed in is copied or sealed before a call returns.
 */
export interface Writes {
  put(key: Buffer, value: Buffer, options: WriteOptions): Promise<void>
  del(key: Buffer, options: WriteOptions): Promise<void>
  batch(requests: readonly WriteRequest[], sync: boolean): Promise<void>
  clear(options: EncodedClearOptions): Promise<void>
  /** Resolves when the backend has every write accepted before. */
  flush(): Promise<void>
  /**
   * The same, at the end. Never rejects.
   *
   * @returns whether the backend has everything that was acknowledged
   */
  close(): Promise<boolean>
  /** Calls that have not resolved yet. */
  readonly pending: number
}

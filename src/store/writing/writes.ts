import type { BackendOperation } from '../backend/backend-write.js'
import type { WriteOptions } from '../options/options.js'
import type { EncodedClearOptions } from './clear.js'
import type { TouchedKeys } from './touched-keys.js'

/*
 * The shapes of one write, from the caller to the backend:
 *
 *     EncodedOperation    of a batch, as abstract-level hands it over (operations.ts)
 *     WriteRequest        with the defaults of its call filled in; its buffers are the caller's own
 *     TableOperation      with a MemTable: a copy, sealed or not (logged-table.ts); OneOperation, of a put or del that waits for nothing
 *     BackendOperation    without a MemTable, and of a sweep: a copy, sealed (backend-write.ts)
 */

/** An operation as a caller asks for it. */
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
  /** Resolves when the log has been given every write accepted before, or will get it no more. Never rejects. Only where there is a log. */
  handedToLog(): Promise<void>
  /**
   * Flushes as far as the backend takes it, and ends the path: nothing may be written any more. Never rejects.
   *
   * @returns whether the backend has everything that was acknowledged
   */
  close(): Promise<boolean>
  /** Calls that have not resolved yet. */
  readonly pending: number

  // ---- for sweeps

  /**
   * Remembers which keys are written to from now on. Once this resolves, the backend has what was written last under every key that is not
   * touched.
   */
  watch(): Promise<TouchedKeys>
  /** Ends what {@link watch} began. */
  unwatch(touched: TouchedKeys): void
  /**
   * Writes to the backend past the log, synced: for what changes nothing that a reader sees. Operations on touched keys are left out.
   *
   * @returns which of them were written
   */
  rewrite(operations: readonly BackendOperation[], touched: TouchedKeys): Promise<boolean[]>
  /** Deletes keys as `del` does, except touched ones; returns which of them were deleted. */
  deleteUntouched(keys: readonly Buffer[], touched: TouchedKeys): Promise<boolean[]>
  /** Writes the marker, if it changed. */
  saveMarker(): Promise<void>

  // ---- for dictionaries

  /** Stores something of the store's own under a reserved key, on stable storage, after the marker. */
  storeReserved(key: Buffer, value: Buffer): Promise<void>
}

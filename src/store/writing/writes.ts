import type { BackendOperation } from '../backend/backend-write.js'
import type { WriteOptions } from '../options/options.js'
import type { EncodedClearOptions } from './clear.js'
import type { TouchedKeys } from './touched-keys.js'

/*
 * The shapes of one write, from the caller to the backend:
 *
 *     EncodedOperation    of a batch, as abstract-level hands it over (operations.ts)
 *     WriteRequest        with the defaults of its call filled in; its buffers are the caller's own
 *     TableOperation      with a MemTable: a copy, sealed or not (logged-table.ts); OneOperation for a put or del that need not wait
 *     BackendOperation    without a MemTable, and for sweeps: a copy, sealed (backend-write.ts)
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
 * A write path: `TableWrites` with a MemTable, `BackendWrites` without one. Calls keep their order key by key. What one call asks for is done
 * completely or not at all. Buffers that are handed in are copied or sealed before a call returns.
 */
export interface Writes {
  put(key: Buffer, value: Buffer, options: WriteOptions): Promise<void>
  del(key: Buffer, options: WriteOptions): Promise<void>
  batch(requests: readonly WriteRequest[], sync: boolean): Promise<void>
  clear(options: EncodedClearOptions): Promise<void>
  /** Resolves when the backend has every write accepted before. */
  flush(): Promise<void>
  /** Resolves when every write accepted before has been handed to the log, or has failed before. Never rejects. Needs a log. */
  handedToLog(): Promise<void>
  /**
   * Flushes as far as the backend takes it, and ends the write path: nothing may be written afterwards. Never rejects.
   *
   * @returns whether the backend has everything that was acknowledged
   */
  close(): Promise<boolean>
  /** Calls that have not resolved yet. */
  readonly pending: number

  // ---- for sweeps

  /**
   * Remembers which keys are written to from now on: these count as touched. Once this resolves, the backend has the latest value of every key
   * that is not touched. Call `end` on them afterwards.
   */
  watch(): Promise<TouchedKeys>
  /**
   * Writes to the backend, synced, without logging it: only for what changes nothing that a reader sees. Operations on touched keys are left out.
   *
   * @returns for each operation whether it was written
   */
  rewrite(operations: readonly BackendOperation[], touched: TouchedKeys): Promise<boolean[]>
  /** Deletes keys as `del` does, except touched ones; returns for each key whether it was deleted. */
  deleteUntouched(keys: readonly Buffer[], touched: TouchedKeys): Promise<boolean[]>
  /** Writes the marker, if it changed. */
  saveMarker(): Promise<void>

  // ---- for dictionaries

  /** Stores something of the store's own under a reserved key, on stable storage; the marker is stored before it. */
  storeReserved(key: Buffer, value: Buffer): Promise<void>
}

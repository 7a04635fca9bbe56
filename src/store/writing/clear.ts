import type { AbstractSnapshot } from 'abstract-level'
import { outcomeUnknown } from '../../errors.js'
import type { AnyLevel } from '../any-level.js'
import { asBuffer, AS_BYTES, KEY_AS_BYTES, KEY_AS_BYTES_SYNCED } from '../as-bytes.js'
import type { StoreLog } from '../log/store-log.js'
import type { Unsealer } from '../reading/unsealer.js'
import { endsAtEmptyKey, halfOpen, type HalfOpenRange, type KeyRange, keyRangeOf } from '../key-range.js'
import { aroundReserved, isReserved } from '../reserved-keys.js'
import { backendSnapshotOf } from '../reading/snapshot.js'

/** Keys that one backend batch deletes. */
const CHUNK_OPERATIONS = 1000

/** As abstract-level hands them to `_clear`: bounds encoded. */
export interface EncodedClearOptions extends KeyRange {
  readonly reverse: boolean
  /** -1 for none */
  readonly limit: number
  readonly snapshot?: AbstractSnapshot
  readonly sync?: boolean
}

/**
 * Deletes a range, reserved keys excepted, and logs that first: as one record, or with a limit or a snapshot as one batch of its keys.
 * Call while nothing else is written.
 *
 * What takes several batches of a backend that keeps them is on stable storage in the log before the first: after a power cut the others would
 * be missing, and nothing would say so.
 */
export async function clearLogged(
  backend: AnyLevel,
  options: EncodedClearOptions,
  unsealer: Unsealer,
  expiring: boolean,
  log: StoreLog
): Promise<void> {
  const sync = options.sync === true
  await log.checkpoint.begin()
  if (options.limit !== -1 || options.snapshot !== undefined) {
    const keys: Deletion[] = []
    await deleteKeys(backend, options, unsealer, expiring, async operations => void keys.push(...operations))
    return deleteLogged(backend, keys, log, sync)
  }
  const range = halfOpen(options)
  if (endsAtEmptyKey(range)) return
  log.checkpoint.applying(await log.appendClear(range, sync || log.permanent))
  await applyLogged(log, () => deleteRange(backend, range, log.permanent))
}

/** Logs that keys are deleted, all or none, and deletes them. Call while nothing else is written. */
export async function deleteLogged(
  backend: AnyLevel,
  keys: readonly Deletion[],
  log: StoreLog,
  sync: boolean
): Promise<void> {
  // That there is nothing to delete may be due to writes that are not synced yet.
  if (keys.length === 0) return sync ? log.sync() : undefined
  await log.checkpoint.begin()
  const takesBatches = log.permanent && keys.length > CHUNK_OPERATIONS
  log.checkpoint.applying(await log.appendOperations(keys, sync || takesBatches))
  await applyLogged(log, () => deleteInChunks(backend, keys))
}

/** Does to the backend what has been logged. */
async function applyLogged(log: StoreLog, apply: () => Promise<void>): Promise<void> {
  try {
    await apply()
    await log.checkpoint.saveApplied()
  } catch (error) {
    log.backendRefused()
    throw outcomeUnknown(error)
  }
  log.afterBatch()
}

async function deleteInChunks(backend: AnyLevel, keys: readonly Deletion[]): Promise<void> {
  for (let at = 0; at < keys.length; at += CHUNK_OPERATIONS) {
    await backend.batch(keys.slice(at, at + CHUNK_OPERATIONS), KEY_AS_BYTES_SYNCED)
  }
}

/**
 * Deletes a range, reserved keys excepted.
 *
 * @param synced whether it has to be on stable storage: then key by key, since classic-level cannot sync a clear
 */
export async function deleteRange(backend: AnyLevel, range: HalfOpenRange, synced: boolean): Promise<void> {
  for (const part of aroundReserved(keyRangeOf(range))) {
    if (!synced) await backend.clear({ ...part, ...KEY_AS_BYTES })
    else await deleteKeys(backend, { ...part, reverse: false, limit: -1 }, undefined, false, deleteSynced(backend))
  }
}

/** Deletes a range from a backend without a log, reserved keys excepted. */
export async function clearBackend(
  backend: AnyLevel,
  options: EncodedClearOptions,
  unsealer: Unsealer,
  expiring: boolean
): Promise<void> {
  const mayHoldExpired = options.snapshot !== undefined && expiring
  if (options.limit !== -1 || options.sync || mayHoldExpired) return clearOneByOne(backend, options, unsealer, expiring)
  for (const part of aroundReserved(options)) {
    await backend.clear({ ...part, snapshot: backendSnapshotOf(options.snapshot, backend), ...KEY_AS_BYTES })
  }
}

/**
 * For a limit, which counts what a reader would see, so that keys have to be looked at one by one; for a snapshot that may hold what has
 * expired; and for `sync`, since classic-level can sync deletes, but not a clear.
 */
async function clearOneByOne(
  backend: AnyLevel,
  options: EncodedClearOptions,
  unsealer: Unsealer,
  expiring: boolean
): Promise<void> {
  const write = options.sync
    ? deleteSynced(backend)
    : (operations: Deletion[]) => backend.batch(operations, KEY_AS_BYTES)
  await deleteKeys(backend, options, unsealer, expiring, write)
}

type Deletion = { readonly type: 'del'; readonly key: Buffer }

function deleteSynced(backend: AnyLevel): (operations: Deletion[]) => Promise<void> {
  return operations => backend.batch(operations, KEY_AS_BYTES_SYNCED)
}

/** Hands the keys of a range to `write`, a chunk at a time, reserved ones excepted. */
async function deleteKeys(
  backend: AnyLevel,
  options: EncodedClearOptions,
  unsealer: Unsealer | undefined,
  expiring: boolean,
  write: (operations: Deletion[]) => Promise<void>
): Promise<void> {
  const { limit, sync: _, ...range } = options
  const entries = backend.iterator({
    ...range,
    limit: -1,
    ...AS_BYTES,
    values: expiring,
    snapshot: backendSnapshotOf(options.snapshot, backend)
  })
  let operations: Deletion[] = []
  let left = limit
  for await (const [key, value] of entries as AsyncIterable<[Uint8Array, Uint8Array | undefined]>) {
    if (left === 0) break
    if (isReserved(key)) continue
    if (value === undefined || unsealer!.isVisible(value)) left--
    else if (options.snapshot !== undefined) continue // What has expired in a snapshot may be written again since.
    operations.push({ type: 'del', key: asBuffer(key) })
    if (operations.length < CHUNK_OPERATIONS) continue
    await write(operations)
    operations = []
  }
  if (operations.length > 0) await write(operations)
}

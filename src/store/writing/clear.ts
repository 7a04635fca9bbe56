import { outcomeUnknown } from '../../errors.js'
import type { AnyLevel } from '../backend/any-level.js'
import { KEY_AS_BYTES, KEY_AS_BYTES_SYNCED } from '../backend/as-bytes.js'
import { endsAtEmptyKey, halfOpen, type KeySelection } from '../backend/key-range.js'
import { aroundReserved } from '../backend/reserved-keys.js'
import { CHUNK_OPERATIONS, type Deletion, deleteRanges, deletionsIn } from '../delete-range.js'
import type { StoreLog } from '../log/store-log.js'
import { selectedKeys } from '../reading/selected-keys.js'
import { backendSnapshotOf } from '../reading/snapshot.js'
import type { Unsealer } from '../reading/unsealer.js'

/** As abstract-level hands them to `_clear`: bounds encoded. */
export interface EncodedClearOptions extends KeySelection {
  readonly sync?: boolean
}

/**
 * Deletes a range, reserved keys excepted, and logs that first: as one record, or with a limit or a snapshot as one batch of its keys.
 * Call while nothing else is written.
 *
 * If it takes several batches, and the backend keeps them after a power cut, the log is put on stable storage before the first: otherwise some of
 * the batches might be missing afterwards, and nothing would say so.
 *
 * @param expiring given where values may have expired
 */
export async function clearLogged(
  backend: AnyLevel,
  options: EncodedClearOptions,
  expiring: Unsealer | undefined,
  log: StoreLog
): Promise<void> {
  const { sync = false, ...selection } = options
  if (selection.limit !== -1 || selection.snapshot !== undefined) {
    return deleteLogged(backend, await selectedDeletions(backend, selection, expiring), log, sync)
  }
  const range = halfOpen(selection)
  if (endsAtEmptyKey(range)) return
  await log.checkpoint.begin()
  log.checkpoint.applying(await log.appendClear(range, sync || !log.isDatabase))
  await applyLogged(log, () => deleteRanges(backend, [range], !log.isDatabase))
}

/** Logs that keys are deleted, all or none, and deletes them. Call while nothing else is written. */
export async function deleteLogged(
  backend: AnyLevel,
  keys: readonly Deletion[],
  log: StoreLog,
  sync: boolean
): Promise<void> {
  // The keys may be missing because of earlier deletions that are not on stable storage yet.
  if (keys.length === 0) return sync ? log.sync() : undefined
  await log.checkpoint.begin()
  const takesBatches = !log.isDatabase && keys.length > CHUNK_OPERATIONS
  log.checkpoint.applying(await log.appendOperations(keys, sync || takesBatches))
  await applyLogged(log, () => deleteInChunks(backend, keys, true))
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

async function deleteInChunks(backend: AnyLevel, keys: readonly Deletion[], sync: boolean): Promise<void> {
  for (let at = 0; at < keys.length; at += CHUNK_OPERATIONS) {
    await backend.batch(keys.slice(at, at + CHUNK_OPERATIONS), sync ? KEY_AS_BYTES_SYNCED : KEY_AS_BYTES)
  }
}

async function selectedDeletions(
  backend: AnyLevel,
  selection: KeySelection,
  expiring: Unsealer | undefined
): Promise<Deletion[]> {
  const keys = await selectedKeys(selection, async part => {
    const found: Buffer[] = []
    for await (const chunk of deletionsIn(backend, part, expiring)) for (const { key } of chunk) found.push(key)
    return found
  })
  return keys.map(key => ({ type: 'del', key }))
}

/**
 * Deletes a range from a backend without a log, reserved keys excepted.
 *
 * It is deleted key by key with a limit, which counts the entries that a reader would see; with a snapshot that may hold expired entries; and
 * with `sync`, since classic-level can sync deletions but not a clear.
 *
 * @param expiring given where values may have expired
 */
export async function clearBackend(
  backend: AnyLevel,
  options: EncodedClearOptions,
  expiring: Unsealer | undefined
): Promise<void> {
  const { sync = false, ...selection } = options
  const { limit, snapshot } = selection
  if (limit !== -1) return deleteInChunks(backend, await selectedDeletions(backend, selection, expiring), sync)
  if (sync || (snapshot !== undefined && expiring !== undefined)) {
    const deletions = deletionsIn(backend, selection, expiring)
    for await (const chunk of deletions) await backend.batch(chunk, sync ? KEY_AS_BYTES_SYNCED : KEY_AS_BYTES)
    return
  }
  for (const part of aroundReserved(selection)) {
    await backend.clear({ ...part, snapshot: backendSnapshotOf(snapshot, backend), ...KEY_AS_BYTES })
  }
}

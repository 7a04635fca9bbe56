import { corruption } from '../../errors.js'
import { FRAME_TYPE } from '../../wal/format/format.js'
import { RecordCursor } from '../../wal/format/record-cursor.js'
import type { Log } from '../../wal/log.js'
import type { CursorStart } from '../../wal/reading/frame-cursor.js'
import type { AnyLevel } from '../backend/any-level.js'
import { AS_BYTES, AS_BYTES_SYNCED, KEY_AS_BYTES } from '../backend/as-bytes.js'
import type { BackendOperation } from '../backend/backend-write.js'
import { deleteRanges } from '../delete-range.js'
import { type MarkerState, storedMarker } from '../marker-state.js'
import { MARKER_KEY } from '../marker.js'
import { otherStore } from './log-pairing.js'
import type { LoggedValues } from './logged-values.js'
import { framesFrom, operationAt, ReplayBatch, replayRecords } from './replay-records.js'

/**
 * Writes to the backend what the log has and the backend lacks, in order. Every batch is synced, and says up to which record the backend has
 * everything with it, so that a replay may be interrupted and repeated.
 */
export async function replayLog(log: Log, backend: AnyLevel, marker: MarkerState, values: LoggedValues): Promise<void> {
  const { applied } = marker.current
  const batch = new ReplayBatch(async (operations, sequence) => {
    marker.update({ applied: sequence })
    const saved = marker.unsaved!
    await backend.batch([...operations, { type: 'put', key: MARKER_KEY, value: saved }], AS_BYTES_SYNCED)
    marker.saved(saved)
  })
  await replayRecords(log, applied, values, batch, range => deleteRanges(backend, [range], true))
}

/**
 * Fills a backend that keeps nothing from its log, which has everything: with the newest snapshot, and then with what came after it.
 *
 * @throws LEVEL_CORRUPTION if the log does not go back to its beginning, or the backend holds data of its own
 */
export async function loadLog(log: Log, backend: AnyLevel, directory: string, values: LoggedValues): Promise<void> {
  const { snapshot } = log
  if (log.isNew) return
  const above = snapshot?.sequence ?? 0
  if (log.firstSequence > above + 1) {
    throw corruption(
      `the log in ${directory} begins with record ${log.firstSequence} and has no snapshot of what was before: ` +
        'restore the directory from a backup'
    )
  }
  await emptyOwn(backend, log, directory)
  const batch = new ReplayBatch(operations => backend.batch(operations.map(owned), AS_BYTES))
  if (snapshot !== undefined) await loadSnapshot(log, snapshot, values, batch)
  // Records that are not in the snapshot may lie before it in the log: those that the backend lacked when the snapshot was taken.
  if (log.nextSequence === above + 1) return
  await replayRecords(log, above, values, batch, range => deleteRanges(backend, [range], false))
}

async function loadSnapshot(log: Log, start: CursorStart, values: LoggedValues, batch: ReplayBatch): Promise<void> {
  for await (const { frame, payload } of framesFrom(log, start)) {
    if (frame.header.type === FRAME_TYPE.snapshotEnd) break
    if (frame.header.type !== FRAME_TYPE.snapshotData) continue
    const records = new RecordCursor(payload)
    while (records.next()) await batch.add(await operationAt(records, values), 0)
  }
  await batch.flush()
}

/** A copy: a backend in memory keeps the buffers that it is given, and with a view it would keep the whole frame. */
function owned(operation: BackendOperation): BackendOperation {
  const key = Buffer.from(operation.key)
  return operation.type === 'put' ? { type: 'put', key, value: Buffer.from(operation.value) } : { type: 'del', key }
}

/** Empties a backend that keeps nothing when it is closed, but still holds what this very log filled it with earlier. */
async function emptyOwn(backend: AnyLevel, log: Log, directory: string): Promise<void> {
  const marker = await storedMarker(backend)
  if (marker === undefined) {
    const any = await backend.keys({ limit: 1, ...KEY_AS_BYTES }).all()
    if (any.length === 0) return
    throw corruption(
      `the backend holds data, and the log in ${directory} is of another store: give this store a new directory for its log`
    )
  }
  if (!marker.storeId.equals(log.storeId)) throw otherStore(directory)
  await backend.clear(KEY_AS_BYTES)
}

import { stat } from 'node:fs/promises'
import { invalidOption } from '../../errors.js'
import { nodeFileSystem } from '../../fs/node-file-system.js'
import type { Tables } from '../../memtable/tables.js'
import { Log } from '../../wal/log.js'
import { resolveWalOptions, type WalOptions, type WalSettings } from '../../wal/options.js'
import type { SegmentExtent } from '../../wal/segments/recovered-segment.js'
import { segmentIdsIn } from '../../wal/segments/segment-files.js'
import type { AnyLevel } from '../backend/any-level.js'
import { isLevelDb, locationOf } from '../backend/backend.js'
import { isReserved } from '../backend/reserved-keys.js'
import type { Coding, CodingFor } from '../coding.js'
import type { Dictionaries } from '../dictionaries/dictionaries.js'
import { MarkerState } from '../marker-state.js'
import type { TableValue } from '../table-value.js'
import { logDirectoryIn } from './log-directory.js'
import { unlockWhenClosed } from './log-held.js'
import { assertBelongsTogether, otherStore } from './log-pairing.js'
import { loadLog, replayLog } from './log-replay.js'
import { LoggedValues } from './logged-values.js'
import { readIntoTables } from './read-only-replay.js'
import { StoreLog } from './store-log.js'

interface OpenedLog {
  readonly log: StoreLog
  readonly marker: MarkerState
  readonly coding: Coding
  /** With `readOnly`, what the log has and the backend lacks. */
  readonly tables?: Tables<TableValue>
}

/**
 * Opens the log of a store and writes to the backend what it lacks; with `readOnly` that is read into tables instead.
 *
 * @param backend must be open
 * @param maxBytes the most bytes of such tables
 * @throws LEVEL_CORRUPTION where log and backend do not belong together; CKV_INVALID_OPTION where the backend's location is no directory for a
 *   log; LEVEL_LOCKED; what reading the log throws
 */
export async function openStoreLog(
  backend: AnyLevel,
  options: WalOptions,
  maxBytes: number,
  codingFor: CodingFor,
  dictionaries: Dictionaries
): Promise<OpenedLog> {
  if (options.dir === undefined) await assertHasDirectory(backend, options)
  const settings = resolveWalOptions({ ...options, dir: options.dir ?? logDirectoryIn(backend) })
  const values = new LoggedValues(codingFor, dictionaries)
  // LevelDB has locked its directory, and with it the log in there: the process that left a lock on the log has ended, if it cannot be seen to run.
  const ownerIsDead = options.dir === undefined && isLevelDb(backend)
  return backend.supports.permanence
    ? openBesideBackend(backend, settings, values, ownerIsDead, maxBytes)
    : openAsDatabase(backend, settings, values)
}

/** The backend keeps what it has: the log goes on from there. */
async function openBesideBackend(
  backend: AnyLevel,
  settings: WalSettings,
  values: LoggedValues,
  ownerIsDead: boolean,
  maxBytes: number
): Promise<OpenedLog> {
  const { directory, readOnly } = settings
  const marker = await MarkerState.load(backend)
  const { applied } = marker.current
  await values.loadDictionaries(backend, marker.storeId)
  const coding = values.use(marker.current)
  const approve = (segments: readonly SegmentExtent[]) => assertBelongsTogether(marker.current, directory, segments)
  // Before the directory is made: it would be in the way of whoever puts the log back.
  if (marker.current.logDirty && (await segmentIdsIn(settings)).length === 0) approve([])
  const { log, recovery } = await Log.open(settings, {
    storeId: marker.storeId,
    minSequence: applied + 1,
    ownerIsDead,
    mayBeMissing: true,
    approve,
    unseal: values.unseal,
    isHidden: isReserved
  })
  let tables: Tables<TableValue> | undefined
  try {
    if (log.nextSequence > applied + 1) {
      if (readOnly) tables = await readIntoTables(log, applied, values, maxBytes)
      else await replayLog(log, backend, marker, values)
    }
  } catch (error) {
    await log.close().catch(() => {}) // The first error matters more.
    throw error
  }
  const unlock = ownerIsDead ? (release: () => Promise<void>) => unlockWhenClosed(backend, release) : undefined
  const storeLog = new StoreLog({ log, recovery, settings, backend, marker, unsealer: coding.unsealer, unlock })
  return { log: storeLog, marker, coding, ...(tables && { tables }) }
}

/** The backend keeps nothing: the log is the database. */
async function openAsDatabase(backend: AnyLevel, settings: WalSettings, values: LoggedValues): Promise<OpenedLog> {
  // The backend may already hold a store that had no log: a new log gets that store's id.
  const storeId =
    (await segmentIdsIn(settings)).length > 0 ? undefined : (await MarkerState.load(backend)).stored?.storeId
  const { log, recovery } = await Log.open(settings, { storeId, unseal: values.unseal, isHidden: isReserved })
  try {
    await loadLog(log, backend, settings.directory, values)
    const marker = await MarkerState.load(backend, log.storeId)
    if (!marker.storeId.equals(log.storeId)) throw otherStore(settings.directory)
    if (!marker.current.logExists) marker.update({ logExists: true })
    await values.loadDictionaries(backend, marker.storeId)
    const coding = values.use(marker.current)
    const storeLog = new StoreLog({ log, recovery, settings, backend, marker, unsealer: coding.unsealer })
    const hasContents = marker.stored !== undefined || marker.guard.plainValues
    if (log.isNew && hasContents && !settings.readOnly) await storeLog.takeOver()
    return { log: storeLog, marker, coding }
  } catch (error) {
    await log.close().catch(() => {}) // The first error matters more.
    throw error
  }
}

/** A location may be a file, an address, or the name of a database in a browser: nobody would look for a log in a directory of that name. */
async function assertHasDirectory(backend: AnyLevel, { fs = nodeFileSystem }: WalOptions): Promise<void> {
  if (fs !== nodeFileSystem) return
  const location = locationOf(backend)
  const found = await stat(location!).catch(() => undefined)
  if (found?.isDirectory() === true) return
  throw invalidOption(
    `The backend's location '${location}' is no directory for a log: say where it is to be, as in { wal: './my-log' }, or pass wal: false`
  )
}

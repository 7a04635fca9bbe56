import { invalidOption, notSupported } from '../errors.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import { FRAME_TYPE } from '../wal/format/format.js'
import { RecordCursor } from '../wal/format/record-cursor.js'
import { Log } from '../wal/log.js'
import { resolveWalOptions, type WalSettings } from '../wal/options.js'
import type { AnyLevel, Wrappable } from './backend/any-level.js'
import { asBuffer, AS_BYTES, AS_BYTES_SYNCED } from './backend/as-bytes.js'
import { leftAsFound } from './backend/backend-lock.js'
import { locationOf } from './backend/backend.js'
import { isReserved } from './backend/reserved-keys.js'
import { bareDatabase } from './bare-database.js'
import { DICTIONARIES_END, DICTIONARIES_START, idInKey, ownerOfDictionary } from './dictionaries/dictionary-record.js'
import { logDirectoryIn } from './log/log-directory.js'
import { otherStore } from './log/log-pairing.js'
import { framesFrom } from './log/replay-records.js'
import { isMarkerOfSublevel } from './lost-marker.js'
import { assertNotInsideStore, storedMarker } from './marker-state.js'
import { encodeMarker, type Marker, MARKER_KEY } from './marker.js'
import { type CompressedKvStoreOptions, resolveOptions } from './options/options.js'
import { rawEntries } from './reading/raw-entries.js'
import { StoreEvidence } from './store-evidence.js'

export interface RepairOptions extends Pick<CompressedKvStoreOptions<unknown, unknown>, 'wal'> {
  /** Stops the reading of values. Nothing is changed then. */
  readonly signal?: AbortSignal | undefined
  /** Called after every 1000 values that are read. */
  readonly onProgress?: ((progress: { readonly values: number }) => void) | undefined
}

const REPAIR_OPTIONS = {
  wal: 'any',
  signal: 'signal',
  onProgress: 'function'
} as const satisfies OptionTable<RepairOptions>

/** What {@link repair} found, or did. */
export interface RepairReport {
  /**
   * The marker, in which a store keeps what it must know of itself: it was `'intact'`, or is `'rebuilt'` now. `'none'`: no value shows that a store
   * wrote to the database, and it is left as it is.
   */
  readonly marker: 'intact' | 'rebuilt' | 'none'
}

const PROGRESS_VALUES = 1000

/**
 * Makes the marker of a store anew if it is lost or damaged, or completes it if it is older than the values. Without the marker no store can read the
 * values. LevelDB loses it, or finds only an older one, if it cannot read the table that it is in: call this after `ClassicLevel.repair()`. What the
 * marker said is found in the checksums and guards of the values, in the dictionaries and in the log. Nothing else is changed.
 *
 * A store that is opened after its marker was lost replays its whole log.
 *
 * @param wrappable must not be open in a store. If it is not open, it is opened, and closed again afterwards
 * @throws LEVEL_NOT_SUPPORTED for a backend that keeps nothing when it is closed, for what a later version wrote, for an unfinished backup, and for a
 *   database of which a store wraps another part; LEVEL_CORRUPTION if the log is damaged or another store's, or the values do not show what the marker
 *   said; CKV_INVALID_OPTION if the marker is lost and no log is found, unless `wal` is false; LEVEL_LOCKED; the signal's reason; errors of the backend
 */
export async function repair<K, V>(wrappable: Wrappable<K, V>, options: RepairOptions = {}): Promise<RepairReport> {
  assertKnownOptions('repair()', options, REPAIR_OPTIONS)
  const backend = bareDatabase(wrappable, 'repair()')
  if (!backend.supports.permanence) {
    throw notSupported('Where the log is the database there is nothing to repair but the log')
  }
  return leftAsFound(backend, async lock => {
    lock()
    const found = await readableMarker(backend)
    const marker =
      found === undefined ? await rebuiltMarker(backend, options) : await completedMarker(backend, found, options)
    if (marker === undefined) return { marker: 'none' }
    const stored = encodeMarker(marker)
    if (found !== undefined && stored.equals(encodeMarker(found))) return { marker: 'intact' }
    options.signal?.throwIfAborted()
    await backend.put(MARKER_KEY, stored, AS_BYTES_SYNCED)
    return { marker: 'rebuilt' }
  })
}

/** @returns undefined if it is lost or damaged */
async function readableMarker(backend: AnyLevel): Promise<Marker | undefined> {
  try {
    return await storedMarker(backend)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'LEVEL_CORRUPTION') return undefined
    throw error
  }
}

/** @returns undefined if nothing shows that a store wrote to the database */
async function rebuiltMarker(backend: AnyLevel, options: RepairOptions): Promise<Marker | undefined> {
  await assertNotInsideStore(backend)
  const evidence = new StoreEvidence()
  await seeValues(backend, evidence, options)
  const owner = await seeDictionaries(backend, evidence)
  const log = await seeLog(backend, evidence, options)
  if (log === undefined) {
    if (!evidence.isProof && owner === undefined) return undefined
    assertHasNoLog(backend, options)
    return evidence.marker(owner)
  }
  const { storeId, firstSequence, directory } = log
  if (owner !== undefined && !owner.equals(storeId)) throw otherStore(directory)
  return {
    ...evidence.marker(storeId),
    ttlUsed: true, // Perhaps only a record of the log has a time to live.
    logExists: true,
    logDirty: true,
    applied: firstSequence - 1 // All records are replayed: which ones the database has is not known.
  }
}

/** A new store id would part the database from its log for good. */
function assertHasNoLog(backend: AnyLevel, options: RepairOptions): void {
  const settings = logSettings(backend, options)
  if (settings === undefined) return
  throw invalidOption(
    `there is no log in ${settings.directory}: pass the directory of the store's log as \`wal\`, or \`wal: false\` if it has none (\`ckv repair --wal\`, \`--no-wal\`)`
  )
}

async function completedMarker(backend: AnyLevel, found: Marker, options: RepairOptions): Promise<Marker> {
  const evidence = new StoreEvidence()
  await seeValues(backend, evidence, options)
  await seeDictionaries(backend, evidence)
  const log = found.logExists ? await seeLog(backend, evidence, options) : undefined
  const marker = evidence.complete(found)
  // The records between are lost: the database had them.
  return log?.storeId.equals(found.storeId)
    ? { ...marker, applied: Math.max(found.applied, log.firstSequence - 1) }
    : marker
}

async function seeValues(
  backend: AnyLevel,
  evidence: StoreEvidence,
  { signal, onProgress }: RepairOptions
): Promise<void> {
  let values = 0
  for await (const [key, stored] of rawEntries(backend, {})) {
    signal?.throwIfAborted()
    if (isMarkerOfSublevel(key)) throw notSupported('A store wraps a sublevel of this database: call repair() on that')
    evidence.see(stored)
    if (++values % PROGRESS_VALUES === 0) onProgress?.({ values })
  }
}

/** @returns the id of the store that the dictionaries belong to; undefined if there are none */
async function seeDictionaries(backend: AnyLevel, evidence: StoreEvidence): Promise<Buffer | undefined> {
  const options = { gte: DICTIONARIES_START, lt: DICTIONARIES_END, ...AS_BYTES }
  let owner: Buffer | undefined
  for await (const [key, stored] of backend.iterator<Buffer, Uint8Array>(options as object)) {
    evidence.seeDictionary(idInKey(key) ?? 0)
    owner ??= ownerOfDictionary(asBuffer(stored))
  }
  return owner
}

/** @returns undefined if there is none: `wal` is false, or left out over a backend that has no directory */
function logSettings(backend: AnyLevel, { wal }: RepairOptions): WalSettings | undefined {
  const options = resolveOptions({ wal }, locationOf(backend) !== undefined).settings.wal
  if (options === undefined) return undefined
  return resolveWalOptions({ ...options, dir: options.dir ?? logDirectoryIn(backend), readOnly: true, meter: false })
}

interface FoundLog {
  readonly storeId: Buffer
  readonly firstSequence: number
  readonly directory: string
}

/** @returns undefined if there is no log */
async function seeLog(
  backend: AnyLevel,
  evidence: StoreEvidence,
  options: RepairOptions
): Promise<FoundLog | undefined> {
  const settings = logSettings(backend, options)
  if (settings === undefined) return undefined
  const { log } = await Log.open(settings, {
    mayBeMissing: true,
    unseal: value => ({ value, expiresAt: undefined }),
    isHidden: isReserved
  })
  try {
    if (log.firstSegment === 0) return undefined
    for await (const { frame, payload } of framesFrom(log, { segment: log.firstSegment, offset: 0 })) {
      options.signal?.throwIfAborted()
      if (frame.header.type !== FRAME_TYPE.data) continue
      const records = new RecordCursor(payload)
      while (records.next()) if (records.sealed) evidence.see(records.value)
    }
    const { storeId, firstSequence } = log
    return { storeId, firstSequence, directory: settings.directory }
  } finally {
    await log.close()
  }
}

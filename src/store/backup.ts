import { isUint8Array } from 'node:util/types'
import { abortWith } from '../abort-with.js'
import { type Sealing, sealRaw } from '../envelope/seal.js'
import { storedCopy } from '../envelope/stored-memory.js'
import { databaseNotOpen, notSupported } from '../errors.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import { Overlay } from '../memtable/overlay.js'
import type { AnyLevel } from './backend/any-level.js'
import { AS_BYTES } from './backend/as-bytes.js'
import { leftAsFound } from './backend/backend-lock.js'
import { type BackendOperation, writeToBackend } from './backend/backend-write.js'
import { isReserved } from './backend/reserved-keys.js'
import { resource } from './backend/resource.js'
import { decodeDictionary, encodeDictionary, idInKey } from './dictionaries/dictionary-record.js'
import { MarkerState } from './marker-state.js'
import { encodeMarker, encodeUnfinishedMarker, guardOf, type Marker, MARKER_KEY, newMarker } from './marker.js'
import { MergedEntries, type UnopenedEntries } from './reading/merged-entries.js'
import type { Session } from './session.js'
import type { TableValue } from './table-value.js'

export interface BackupOptions {
  /** Stops the copy between two batches. What was copied until then stays in the target, and no store opens it. */
  readonly signal?: AbortSignal | undefined
  /** Called after every batch, with what was copied so far. */
  readonly onProgress?: ((progress: BackupReport) => void) | undefined
}

/** What was copied. */
export interface BackupReport {
  readonly entries: number
  /** Bytes of the keys, and of the values as they are stored. */
  readonly bytes: number
}

const BACKUP_OPTIONS = { signal: 'signal', onProgress: 'function' } as const satisfies OptionTable<BackupOptions>

/** How many entries are read together: few, since values may be large. */
const FETCH_ENTRIES = 32
/** How many bytes LevelDB reads together. */
const FETCH_BYTES = 64 * 1024
/** A batch is written when it has this many bytes or operations. A target in memory writes it in one go, on the calling thread. */
const BATCH_BYTES = 4 * 1024 * 1024
const BATCH_OPERATIONS = 1000

type Put = Extract<BackendOperation, { type: 'put' }>

/** A store that is open. */
interface Source {
  readonly store: AnyLevel
  readonly backend: AnyLevel
  readonly session: Session
}

/**
 * Copies what a store holds at one moment into an empty database. Values are copied as they are stored, without being decompressed, together with
 * everything that is needed to read them: the dictionaries and the guard. The copy has an id of its own and no log. Until it is complete, its marker
 * says so, and no store opens it.
 */
export async function backUp(source: Source, target: AnyLevel, options: BackupOptions): Promise<BackupReport> {
  assertKnownOptions('backup()', options, BACKUP_OPTIONS)
  const closing = new AbortController()
  const letGo = abortWith(closing, options.signal)
  const copying = copyTo(target, source, { ...options, signal: closing.signal })
  const ending = resource(async () => {
    closing.abort(databaseNotOpen())
    await copying.catch(() => {})
  })
  source.store.attachResource(ending)
  try {
    return await copying
  } finally {
    letGo()
    source.store.detachResource(ending)
  }
}

function copyTo(target: AnyLevel, source: Source, options: RunningOptions): Promise<BackupReport> {
  return leftAsFound(target, async lock => {
    lock()
    // This also throws for a sublevel of a wrapped database, whose store would take the copy for values of its own.
    const found = await MarkerState.load(target)
    if (found.stored !== undefined || found.current.plainValues)
      throw notSupported('backup() takes an empty database, and this one has entries: clear it, or take another')
    return copyEntries(target, source, options)
  })
}

interface RunningOptions extends BackupOptions {
  readonly signal: AbortSignal
}

async function copyEntries(
  target: AnyLevel,
  source: Source,
  { signal, onProgress }: RunningOptions
): Promise<BackupReport> {
  const { backend, session } = source
  if (!backend.supports.implicitSnapshots) {
    throw notSupported(
      'backup() needs a backend with snapshots: copy the entries through the store while nothing is written'
    )
  }
  // Flushed first, since what is left in tables is copied uncompressed. If the backend refuses the flush, a backup is all the more needed, and is
  // complete all the same: what the backend lacks is in the tables.
  await session.writes.flush().catch(() => {})
  signal.throwIfAborted()
  const from = session.marker.current
  const entries = entriesNow(backend, session)
  try {
    const marker = markerOfCopy(from)
    await writeMarker(target, encodeUnfinishedMarker(marker))
    const report = { entries: 0, bytes: 0 }
    for await (const batch of inBatches(copies(entries, from, marker))) {
      signal.throwIfAborted()
      await writeToBackend(target, batch, true)
      report.entries += batch.filter(({ key }) => !isReserved(key)).length
      report.bytes += bytesOf(batch)
      onProgress?.({ ...report })
    }
    await writeMarker(target, encodeMarker(marker))
    return report
  } finally {
    await entries.close()
  }
}

/** The entries of backend and tables, both of the same moment: nothing is awaited in between. */
function entriesNow(backend: AnyLevel, { view }: Session): UnopenedEntries {
  const { frozen } = view(undefined)
  const stored = backend.iterator<Buffer, Uint8Array>({
    ...AS_BYTES,
    fillCache: false,
    highWaterMarkBytes: FETCH_BYTES
  } as object) as UnopenedEntries
  return new MergedEntries(stored, new Overlay(frozen), false)
}

/** The marker of a copy. It says nothing of sweeps and of a log, which concern only the store itself. */
function markerOfCopy({ guard, plainValues, ttlUsed, newestDictionary }: Marker): Marker {
  return { ...newMarker(false), guard, plainValues, ttlUsed, newestDictionary }
}

async function writeMarker(target: AnyLevel, marker: Buffer): Promise<void> {
  await writeToBackend(target, [{ type: 'put', key: MARKER_KEY, value: marker }], true)
}

/** The entries that the copy gets. They share no memory with the backend, which may go on using what it hands out. */
async function* copies(entries: UnopenedEntries, from: Marker, to: Marker): AsyncGenerator<Put> {
  const sealing = { guard: guardOf(from), mayOmitChecksum: false }
  for (;;) {
    const fetched = await entries.nextv(FETCH_ENTRIES, {})
    if (fetched.length === 0) return
    for (const [key, entry] of fetched) {
      const value = isUint8Array(entry) ? storedCopy(entry) : envelopeOf(entry!, sealing)
      const id = idInKey(key!)
      if (isReserved(key!) && id === undefined) continue // The marker.
      yield { type: 'put', key: storedCopy(key!), value: id === undefined ? value : dictionaryFor(to, id, value, from) }
    }
  }
}

async function* inBatches(puts: AsyncIterable<Put>): AsyncGenerator<Put[]> {
  let batch: Put[] = []
  let bytes = 0
  for await (const put of puts) {
    batch.push(put)
    bytes += put.key.length + put.value.length
    if (bytes < BATCH_BYTES && batch.length < BATCH_OPERATIONS) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

function bytesOf(puts: readonly Put[]): number {
  return puts.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
}

function envelopeOf({ bytes, sealed, expiresAt }: TableValue, sealing: Sealing): Buffer {
  return sealed ? storedCopy(bytes) : sealRaw(bytes, { ...sealing, expiresAt })
}

/** The record of a dictionary for the copy. One that cannot be read is copied as it is: its id must not be given to another dictionary. */
function dictionaryFor(copy: Marker, id: number, stored: Buffer, { storeId }: Marker): Buffer {
  try {
    return encodeDictionary(decodeDictionary(stored, id, storeId), copy.storeId)
  } catch {
    return stored
  }
}

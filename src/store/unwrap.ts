import { rmdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CODEC_ID } from '../codec/codec.js'
import { CompressedKvError, notSupported } from '../errors.js'
import { isMissing } from '../fs/file-system.js'
import { nodeFileSystem } from '../fs/node-file-system.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import type { WalOptions } from '../wal/options.js'
import { segmentIds, segmentPath } from '../wal/segments/segment-files.js'
import type { AnyLevel, Wrappable } from './backend/any-level.js'
import { asBuffer, KEY_AS_BYTES } from './backend/as-bytes.js'
import { leftAsFound, unlockBackend } from './backend/backend-lock.js'
import { type BackendOperation, writeToBackend } from './backend/backend-write.js'
import { compactBackend } from './backend/compaction.js'
import { RESERVED_END, RESERVED_START } from './backend/reserved-keys.js'
import { bareDatabase } from './bare-database.js'
import { CompressedKvStore } from './compressed-kv-store.js'
import { Dictionaries } from './dictionaries/dictionaries.js'
import { logDirectoryIn } from './log/log-directory.js'
import { storedMarker } from './marker-state.js'
import { encodeMarker, guardOf, type Marker, MARKER_KEY } from './marker.js'
import { DEFAULTS, type CompressedKvStoreOptions } from './options/options.js'
import { shownKey } from './reading/error-of-key.js'
import { type RawEntry, rawEntries } from './reading/raw-entries.js'
import { type Unsealer, uncountedUnsealer } from './reading/unsealer.js'

export interface UnwrapOptions extends Pick<CompressedKvStoreOptions<unknown, unknown>, 'wal' | 'maxValueSize'> {
  /** Stops after a batch, and rejects with the signal's reason; the next call goes on there. */
  readonly signal?: AbortSignal | undefined
  /** Called after every batch, with how many values are plain again. */
  readonly onProgress?: ((progress: { readonly values: number }) => void) | undefined
}

const UNWRAP_OPTIONS = {
  wal: 'any',
  maxValueSize: 'any',
  signal: 'signal',
  onProgress: 'function'
} as const satisfies OptionTable<UnwrapOptions>

/** A batch ends when it has this many values, or this many bytes of stored values. */
const MAX_BATCH_ENTRIES = 256
const MAX_BATCH_BYTES = 1024 * 1024

/**
 * Writes every value of a wrapped database back as it was given, and removes what the store kept for itself. Afterwards the database is as if it had
 * never been wrapped. This may be interrupted at any point, even by a crash: a key in the marker says how far it has come, no store opens the
 * database until it is done, and the next call goes on. At the end the backend is compacted, as after a sweep: LevelDB would keep the compressed
 * values beside the plain ones until it compacts by itself.
 *
 * @param wrappable must not be open in a store. If it is not open, it is opened, and closed again afterwards
 * @returns how many values were written back by this call; expired ones are removed, and not counted
 * @throws LEVEL_CORRUPTION, CKV_VALUE_TOO_LARGE or LEVEL_NOT_SUPPORTED for a value that cannot be read, or a key above 60,000 bytes: all of
 *   them are read first, and nothing is changed then; LEVEL_NOT_SUPPORTED where the log is the database; LEVEL_LOCKED;
 *   LEVEL_DATABASE_NOT_OPEN with the reason as its cause where it cannot be opened, or brought up to its log; errors of the backend
 */
export async function unwrap<K, V>(wrappable: Wrappable<K, V>, given: UnwrapOptions = {}): Promise<{ values: number }> {
  assertKnownOptions('unwrap()', given, UNWRAP_OPTIONS)
  const options = { ...given, wal: inPlace(given.wal) }
  const backend = bareDatabase(wrappable, 'unwrap()')
  // Even if the backend has no marker: in another process than the store's it is empty.
  if (!backend.supports.permanence && given.wal !== undefined && given.wal !== false) {
    throw notSupported('Where the log is the database there is nothing to unwrap: copy the entries through the store')
  }
  return leftAsFound(backend, async lock => {
    const marker = await storedMarker(backend)
    if (marker !== undefined && !marker.unwrapping) await settle(backend, options)
    await backend.open() // Closing the store has closed it.
    lock()
    return writeBack(backend, options)
  })
}

/** The log's options with an absolute directory, since the process may go to another directory while values are written back. */
function inPlace(wal: UnwrapOptions['wal']): UnwrapOptions['wal'] {
  if (typeof wal === 'string') return wal === '' ? wal : resolve(wal)
  const isPath = typeof wal === 'object' && typeof wal.dir === 'string' && wal.dir !== ''
  if (!isPath || (wal.fs ?? nodeFileSystem) !== nodeFileSystem) return wal // The store says what is wrong with it.
  return { ...wal, dir: resolve(wal.dir) }
}

/** Opens and closes a store, which writes to the backend what that lacks of the log, and then leaves the log clean. */
async function settle(backend: AnyLevel, { wal, maxValueSize }: UnwrapOptions): Promise<void> {
  const store = new CompressedKvStore(backend, {
    maxValueSize,
    dictionary: false,
    ...(wal === undefined ? {} : { wal })
  })
  await store.open()
  // If the backend cannot be closed, the store stays open and locks it, and nobody else can close that store.
  await store.close().finally(() => unlockBackend(backend, store))
}

async function writeBack(backend: AnyLevel, options: UnwrapOptions): Promise<{ values: number }> {
  const { signal, onProgress, maxValueSize } = options
  const found = await storedMarker(backend)
  let values = 0
  if (found === undefined) return { values }
  let marker: Marker = found.unwrapping ? found : { ...found, unwrapping: true, sweep: Buffer.alloc(0) }
  const dictionaries = new Dictionaries()
  await dictionaries.load(backend, marker.storeId)
  const unsealer = uncountedUnsealer(maxValueSize ?? DEFAULTS.maxValueSize, guardOf(marker), dictionaries)
  if (!found.unwrapping) await assertReadable(backend, unsealer, signal)
  for (;;) {
    signal?.throwIfAborted()
    const after = marker.sweep.length === 0 ? undefined : decodeCursor(marker.sweep)
    const entries = await readAfter(backend, after)
    if (entries.length === 0) break
    const operations = await Promise.all(entries.map(entry => plainOperation(entry, unsealer)))
    values += operations.filter(({ type }) => type === 'put').length
    marker = { ...marker, sweep: encodeCursor(entries.at(-1)![0]) }
    await writeToBackend(backend, [...operations, { type: 'put', key: MARKER_KEY, value: encodeMarker(marker) }], true)
    onProgress?.({ values })
  }
  await removeLog(backend, options)
  await removeReserved(backend)
  // Every value was rewritten. Last, so that the database is bare even if the process ends during it.
  await compactBackend(backend)
  return { values }
}

/**
 * Reads every value once before anything is changed. Otherwise a damaged value would stop the unwrapping half way, and leave a database that can be
 * read neither with a store nor without.
 */
async function assertReadable(backend: AnyLevel, unsealer: Unsealer, signal: AbortSignal | undefined): Promise<void> {
  for await (const entry of rawEntries(backend, {})) {
    signal?.throwIfAborted()
    encodeCursor(entry[0])
    try {
      await plainOperation(entry, unsealer)
    } catch (cause) {
      if (!(cause instanceof CompressedKvError)) throw cause
      const what = `Nothing was unwrapped: the value of ${shownKey(entry[0])} cannot be read: ${cause.message}`
      throw new CompressedKvError(cause.code, what, { cause })
    }
  }
}

/** The marker has room for 65,535 bytes where the cursor goes. */
const MAX_CURSOR_BYTES = 60_000

/** How far unwrapping has come: a byte and then the key, so that the empty key is not taken for none. */
function encodeCursor(key: Buffer): Buffer {
  if (key.length > MAX_CURSOR_BYTES)
    throw notSupported(`A key of ${key.length} bytes is too long to be unwrapped: copy the entries through the store`)
  return Buffer.concat([Buffer.of(1), key])
}

function decodeCursor(cursor: Buffer): Buffer {
  return cursor.subarray(1)
}

async function readAfter(backend: AnyLevel, after: Buffer | undefined): Promise<RawEntry[]> {
  const entries: RawEntry[] = []
  let bytes = 0
  for await (const [key, stored] of rawEntries(backend, after === undefined ? {} : { gt: after })) {
    entries.push([Buffer.from(key), stored])
    bytes += stored.length
    if (entries.length >= MAX_BATCH_ENTRIES || bytes >= MAX_BATCH_BYTES) break
  }
  return entries
}

async function plainOperation([key, stored]: RawEntry, unsealer: Unsealer): Promise<BackendOperation> {
  const opened = unsealer.openLive(stored)
  if (opened === undefined) return { type: 'del', key }
  const value = opened.codecId === CODEC_ID.none ? Buffer.from(opened.payload) : await unsealer.value(opened)
  return { type: 'put', key, value }
}

/**
 * Removes the log, which has nothing that the database lacks. Torn ends that recovery has cut off stay: somebody may want to look at them.
 *
 * The marker is removed after the log. Until then the next call tries again what failed; afterwards a store would take the rest of the log for another
 * store's.
 */
async function removeLog(backend: AnyLevel, { wal }: UnwrapOptions): Promise<void> {
  if (wal === false) return
  const { dir, fs = nodeFileSystem }: WalOptions = typeof wal === 'object' ? wal : {}
  const named = typeof wal === 'string' ? wal : dir
  const directory = named ?? logDirectoryIn(backend)
  if (directory === undefined) return
  const names = await fs.list(directory).catch((error: unknown) => {
    if (!isMissing(error)) throw error
    return undefined
  })
  if (names === undefined) return
  await fs.syncDirectory(directory) // What an earlier call has deleted may come back after a power cut.
  for (const id of segmentIds(names)) {
    await fs.remove(segmentPath(directory, id))
    await fs.syncDirectory(directory)
  }
  if (fs === nodeFileSystem) await rmdir(directory).catch(() => {})
}

async function removeReserved(backend: AnyLevel): Promise<void> {
  const keys = await backend.keys<Buffer>({ gte: RESERVED_START, lt: RESERVED_END, ...KEY_AS_BYTES } as object).all()
  await writeToBackend(
    backend,
    keys.map(key => ({ type: 'del', key: asBuffer(key) })),
    true
  )
}

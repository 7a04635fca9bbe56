import { randomBytes } from 'node:crypto'
import { GUARD_BYTES } from '../envelope/format.js'
import type { Guard } from '../envelope/guard.js'
import type { Opened } from '../envelope/open.js'
import { decodeSweepState } from '../gc/sweep-state.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import { Log } from '../wal/log.js'
import { resolveWalOptions, type WalOptions } from '../wal/options.js'
import type { RecoveryReport } from '../wal/recovery/recovered-log.js'
import { readerOf, type WalReader } from '../wal/wal-reader.js'
import type { AnyLevel, Wrappable } from './backend/any-level.js'
import { isReserved } from './backend/reserved-keys.js'
import { bareDatabase } from './bare-database.js'
import { Dictionaries } from './dictionaries/dictionaries.js'
import { logDirectoryIn } from './log/log-directory.js'
import { isMarkerLost } from './lost-marker.js'
import { halfUnwrapped, storedMarker } from './marker-state.js'
import { guardOf, type Marker } from './marker.js'
import { assertMaxValueSize, type CompressedKvStoreOptions, DEFAULTS } from './options/options.js'
import { rawEntries } from './reading/raw-entries.js'
import { type Unsealer, uncountedUnsealer } from './reading/unsealer.js'

/** What a store keeps of itself in its database. */
export interface StoreMarker {
  /** The database had values before it was wrapped. A guard at the end of each envelope distinguishes it from them. */
  readonly guarded: boolean
  /** Values from before the database was wrapped may still be there. */
  readonly plainValues: boolean
  /** A value with a `ttl` was written once. */
  readonly ttlUsed: boolean
  /** The store has, or had, a write-ahead log. */
  readonly logExists: boolean
  /** That log may have writes that the database lacks. */
  readonly logDirty: boolean
  /** Number of the last record of the log that the database has; 0 without a log. */
  readonly applied: number
  /** Where an interrupted sweep will go on: the id of its policy, and the last key that was swept. undefined if there is none. */
  readonly sweep: { readonly policyId: string; readonly lastKey: Buffer } | undefined
  /** `unwrap` was interrupted: call it again. */
  readonly unwrapping: boolean
}

/** An entry as it is stored. Buffers are the caller's own. */
export interface StoredEntry {
  readonly key: Buffer
  /** Bytes of the value as it is stored, its envelope included. */
  readonly storedBytes: number
  /** The value's envelope; undefined if it is damaged or from a later version: then `error` says why. */
  readonly opened: Opened | undefined
  readonly error: unknown
  /**
   * The value, even if its time to live is over.
   *
   * @throws LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED, CKV_VALUE_TOO_LARGE, CKV_CODEC_UNAVAILABLE
   */
  value(): Buffer | Promise<Buffer>
}

type InspectOptions = Pick<CompressedKvStoreOptions<unknown, unknown>, 'maxValueSize'>

const INSPECT_OPTIONS = { maxValueSize: 'any' } as const satisfies OptionTable<InspectOptions>

/** A database as the store sees it. */
export interface Inspection {
  /** undefined if no store has written to it. */
  readonly marker: StoreMarker | undefined
  /** There is no marker, but values that a store wrote, which now count as plain: call `repair()`. Only the first values are looked at. */
  readonly isMarkerLost: boolean
  /** The entries of a range, or all, in order, without the store's own. What is only in the log is not among them. */
  entries(range?: { readonly gte?: Buffer; readonly lt?: Buffer }): AsyncGenerator<StoredEntry, void, undefined>
  /**
   * Opens the store's log for reading, without a lock, and changes nothing. `Wal` cannot read every value in it, since it knows neither the store's
   * guard nor its dictionaries.
   *
   * @param options.dir default `ckv-wal` in the database's directory
   * @throws as `Wal.open` does
   */
  openLog(options?: Pick<WalOptions, 'dir' | 'recovery' | 'onProgress'>): Promise<OpenedLog>
}

export interface OpenedLog {
  readonly reader: WalReader
  readonly recovery: RecoveryReport
  close(): Promise<void>
}

/**
 * Shows a database, wrapped or not, as it is stored: how each value was written, what the store keeps of itself, and what its log holds. For tools;
 * writes nothing.
 *
 * @param wrappable no store may write to it meanwhile; it is opened if it is not open
 * @throws LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED for a marker that is damaged or from a later version; LEVEL_NOT_SUPPORTED for what cannot be
 *   wrapped; CKV_INVALID_OPTION; errors of the backend
 */
export async function inspect<K, V>(wrappable: Wrappable<K, V>, options: InspectOptions = {}): Promise<Inspection> {
  assertKnownOptions('inspect()', options, INSPECT_OPTIONS)
  const { maxValueSize = DEFAULTS.maxValueSize } = options
  assertMaxValueSize(maxValueSize)
  const backend = bareDatabase(wrappable, 'inspect()')
  await backend.open()
  const marker = await storedMarker(backend)
  const dictionaries = new Dictionaries()
  if (marker !== undefined) await dictionaries.load(backend, marker.storeId)
  const guard = marker === undefined ? unusedGuard() : guardOf(marker)
  const unsealer = uncountedUnsealer(maxValueSize, guard, dictionaries)
  return {
    marker: marker && shown(marker),
    isMarkerLost: marker === undefined && (await isMarkerLost(backend)),
    entries: range => {
      if (marker?.unwrapping) throw halfUnwrapped()
      return entriesOf(backend, range ?? {}, unsealer)
    },
    openLog: (logOptions = {}) => openLog(backend, unsealer, logOptions)
  }
}

/** A guard for a database that no store has written to, in which every value is plain: none ends with these random bytes. */
function unusedGuard(): Guard {
  return { bytes: randomBytes(GUARD_BYTES), plainValues: true }
}

function shown(marker: Marker): StoreMarker {
  const { guard, plainValues, ttlUsed, logExists, logDirty, applied, unwrapping } = marker
  const sweep = unwrapping ? undefined : decodeSweepState(marker.sweep)
  return {
    guarded: guard !== undefined,
    plainValues,
    ttlUsed,
    logExists,
    logDirty,
    applied,
    sweep: sweep && { policyId: sweep.policyId, lastKey: sweep.lastKey },
    unwrapping
  }
}

async function* entriesOf(
  backend: AnyLevel,
  { gte, lt }: { gte?: Buffer; lt?: Buffer },
  unsealer: Unsealer
): AsyncGenerator<StoredEntry, void, undefined> {
  const given = { ...(gte && { gte }), ...(lt && { lt }) }
  for await (const [key, stored] of rawEntries(backend, given)) yield entryOf(Buffer.from(key), stored, unsealer)
}

function entryOf(key: Buffer, stored: Buffer, unsealer: Unsealer): StoredEntry {
  const storedBytes = stored.length
  try {
    const opened = unsealer.open(stored)
    return { key, storedBytes, opened, error: undefined, value: () => unsealer.value(opened) }
  } catch (error) {
    const fail = () => {
      throw error
    }
    return { key, storedBytes, opened: undefined, error, value: fail }
  }
}

async function openLog(
  backend: AnyLevel,
  unsealer: Unsealer,
  options: Pick<WalOptions, 'dir' | 'recovery' | 'onProgress'>
): Promise<OpenedLog> {
  const dir = options.dir ?? logDirectoryIn(backend)
  const settings = resolveWalOptions({ ...options, dir, readOnly: true, meter: false })
  const { log, recovery } = await Log.open(settings, {
    mayBeMissing: true,
    unseal: envelope => unsealer.unsealed(envelope),
    isHidden: isReserved
  })
  return { reader: readerOf(log), recovery, close: () => log.close() }
}

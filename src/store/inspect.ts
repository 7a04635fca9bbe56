import { randomBytes } from 'node:crypto'
import { GUARD_BYTES } from '../envelope/format.js'
import type { Guard } from '../envelope/guard.js'
import type { Opened } from '../envelope/open.js'
import { invalidOption } from '../errors.js'
import { decodeSweepState } from '../gc/sweep-state.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import { Log } from '../wal/log.js'
import { resolveWalOptions, type WalOptions } from '../wal/options.js'
import type { RecoveryReport } from '../wal/recovery/recovered-log.js'
import { readerOf, type WalReader } from '../wal/wal-reader.js'
import type { AnyLevel, Wrappable } from './backend/any-level.js'
import { assertWrappable, rootOf } from './backend/backend.js'
import { isReserved } from './backend/reserved-keys.js'
import { CompressedKvStore } from './compressed-kv-store.js'
import { Dictionaries } from './dictionaries/dictionaries.js'
import { logDirectoryIn } from './log/log-directory.js'
import { halfUnwrapped, storedMarker } from './marker-state.js'
import { guardOf, type Marker } from './marker.js'
import { assertMaxValueSize, type CompressedKvStoreOptions, DEFAULTS } from './options/options.js'
import { rawEntries } from './reading/raw-entries.js'
import { type Unsealer, uncountedUnsealer } from './reading/unsealer.js'

/** What a store remembers of itself in its database. */
export interface StoreMarker {
  /** It held values before it was wrapped, and a guard in its envelopes sets them apart from those. */
  readonly guarded: boolean
  /** Such values may still be there. */
  readonly plainValues: boolean
  /** A TTL was written once. */
  readonly ttlUsed: boolean
  /** The store has, or had, a write-ahead log. */
  readonly logExists: boolean
  /** That log may hold writes which the database lacks. */
  readonly logDirty: boolean
  /** Number of the last record of the log that the database has; 0 without a log. */
  readonly applied: number
  /** Where an interrupted sweep goes on: its policy's id, and the last key that was swept. */
  readonly sweep: { readonly policyId: string; readonly lastKey: Buffer } | undefined
  /** `unwrap` was interrupted: call it again. */
  readonly unwrapping: boolean
}

/** An entry as it is stored. Buffers are the caller's own. */
export interface StoredEntry {
  readonly key: Buffer
  /** Bytes of the value as it is stored, envelope and all. */
  readonly storedBytes: number
  /** undefined if it is damaged, or from a later version: then `error` says why. */
  readonly opened: Opened | undefined
  readonly error: unknown
  /**
   * The value, even when its time to live is over.
   *
   * @throws LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED, CKV_VALUE_TOO_LARGE, CKV_CODEC_UNAVAILABLE
   */
  value(): Buffer | Promise<Buffer>
}

type InspectOptions = Pick<CompressedKvStoreOptions<unknown, unknown>, 'maxValueSize'>

const INSPECT_OPTIONS = { maxValueSize: 'any' } as const satisfies OptionTable<InspectOptions>

/** A database seen from below the store. */
export interface Inspection {
  /** undefined if no store has written to it. */
  readonly marker: StoreMarker | undefined
  /** Entries of a range in order, the store's own left out; without a range all. What is in the log only is not among them. */
  entries(range?: { readonly gte?: Buffer; readonly lt?: Buffer }): AsyncGenerator<StoredEntry, void, undefined>
  /**
   * Opens the store's log to read it, without a lock, and changes nothing. `Wal` does not know the guard that envelopes in it may have.
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
 * Looks at a database, wrapped or not, as it is stored: how each value was written, what the store remembers, what its log holds. For
 * tools; writes nothing.
 *
 * @param wrappable no store may write to it meanwhile; it is opened if it is not open
 * @throws LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED for a marker that is damaged or from a later version; LEVEL_NOT_SUPPORTED for what cannot be
 *   wrapped; CKV_INVALID_OPTION; errors of the backend
 */
export async function inspect<K, V>(wrappable: Wrappable<K, V>, options: InspectOptions = {}): Promise<Inspection> {
  assertKnownOptions('inspect()', options, INSPECT_OPTIONS)
  const { maxValueSize = DEFAULTS.maxValueSize } = options
  assertMaxValueSize(maxValueSize)
  const backend = wrappable as unknown as AnyLevel
  assertWrappable(backend)
  if (rootOf(backend) instanceof CompressedKvStore) throw invalidOption('inspect() takes the database below the store')
  await backend.open()
  const marker = await storedMarker(backend)
  const dictionaries = new Dictionaries()
  if (marker !== undefined) await dictionaries.load(backend, marker.storeId)
  const guard = marker === undefined ? unusedGuard() : guardOf(marker)
  const unsealer = uncountedUnsealer(maxValueSize, guard, dictionaries)
  return {
    marker: marker && shown(marker),
    entries: range => {
      if (marker?.unwrapping) throw halfUnwrapped()
      return entriesOf(backend, range ?? {}, unsealer)
    },
    openLog: (logOptions = {}) => openLog(backend, unsealer, logOptions)
  }
}

/** Of a database that no store has written to. Every value in it is plain: none ends with these bytes. */
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

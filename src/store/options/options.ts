import { constants } from 'node:buffer'
import { isUint8Array } from 'node:util/types'
import type { Meter } from '@opentelemetry/api'
import type { AbstractDatabaseOptions } from 'abstract-level'
import { type Codec, CODEC_ID, type CodecName } from '../../codec/codec.js'
import { dictionaryContent } from '../../codec/dictionary/dictionary-format.js'
import type { CodecSelector } from '../../codec/selector.js'
import { invalidOption } from '../../errors.js'
import type { CollectorSettings } from '../../gc/collector.js'
import { assertNoneMisspelt, type OptionTable } from '../../known-options.js'
import { assertBytes, shown } from '../../option-checks.js'
import { resolveWalOptions, type WalOptions } from '../../wal/options.js'
import type { WalProgress } from '../../wal/recovery/recovery-progress.js'
import { MAX_DICTIONARY_BYTES } from '../dictionaries/dictionaries.js'
import { collectorSettings, type GcOptions } from './gc-options.js'
import type { KeyPrefix } from './key-prefix.js'
import { type MemTableOptions, memtableSettings, type MemTableSettings } from './memtable-options.js'
import { assertNoneMisplaced } from './misplaced-options.js'

/** Which codec for which keys. A rule with neither `prefix` nor `sublevel` matches every key. */
export interface CodecRule extends KeyPrefix {
  readonly codec: Codec | CodecName | CodecSelector
}

/** Options beside abstract-level's own. `keyEncoding` and `valueEncoding` default to the backend's. */
export interface CompressedKvStoreOptions<K, V> extends AbstractDatabaseOptions<K, V> {
  /**
   * How new values are compressed: with one codec; by rules, of which the first that matches the key counts ('lz4' if none does); or by a selector.
   * Values that were written with another codec stay readable.
   * @default 'lz4'
   */
  readonly codec?: Codec | CodecName | readonly CodecRule[] | CodecSelector | undefined
  /**
   * Values shorter than this, in bytes, are stored raw, without trying to compress them. Lower it for a backend that does not compress by itself.
   * @default 1024; 4096 for LZ4 over LevelDB, whose own compression is better for values that share its blocks of 4 KiB; 32 with a dictionary
   */
  readonly minSize?: number | undefined
  /**
   * A dictionary of what values of 32 bytes to 4 KiB have in common, with which each of them is compressed: alone they are too short to get smaller.
   * 'auto' trains one on the values that are written, uses it if the values then take less space in the backend (over LevelDB, in blocks together
   * with their neighbours), and replaces it when a newer one is clearly better. Bytes are used as the dictionary: one in Zstandard's format
   * (`zstd --train`), or text that resembles the values. `false` uses none. The store keeps its dictionaries, so that values written with them stay
   * readable. Works with LZ4, Zstandard, and your own codecs that have `withDictionary`.
   * @default false
   */
  readonly dictionary?: 'auto' | Uint8Array | false | undefined
  /**
   * The share of a value, from 0 to below 1, that compression must save; otherwise the value is stored raw. With a higher one more values are stored
   * raw, which are read faster.
   * @default 0.1
   */
  readonly minSaving?: number | undefined
  /**
   * Values of at least this many bytes are compressed and restored off the main thread. A lower value keeps the event loop freer, but each trip to
   * another thread costs about 50 µs. LZ4 restores values of up to 1 MiB on the main thread in any case, in up to 0.5 ms.
   * @default 65536
   */
  readonly offThreadSize?: number | undefined
  /**
   * Values longer than this, in bytes, are refused, both when written and when read, before memory is taken for them. At most 2^32 - 1.
   * Longer values from before the database was wrapped can be read, and sweeps leave them alone.
   * @default 1073741824 (1 GiB)
   */
  readonly maxValueSize?: number | undefined
  /**
   * 'auto' leaves out the checksum of raw values below 512 bytes if the backend stores checksums of its own blocks (as classic-level does, which does
   * not promise to verify them on every read). 'always' costs 4 bytes more for each of those values.
   * @default 'auto'
   */
  readonly checksum?: 'auto' | 'always' | undefined
  /**
   * How many bytes of memory a cache of restored values may take. The least recently used values leave it first. 0 for no cache.
   * @default 0
   */
  readonly cacheBytes?: number | undefined
  /**
   * A write-ahead log: a write resolves when it is in the log, as durable as the log's `fsync` option says. The log is read back if the store was
   * not closed. `true` keeps it in `<location>/ckv-wal`; a string names another directory. Over a backend that keeps nothing (memory-level), the
   * log keeps everything.
   * @default true if the backend has a location (a `level` database has one, its sublevels and databases in memory have none), else false
   */
  readonly wal?: boolean | string | WalOptions | undefined
  /**
   * A table in memory for what is logged and not yet in the backend. With it writes do not wait for the backend, and values are compressed
   * when they are moved there. With `false` every write waits for the backend as well. It needs a log.
   * @default {} where there is a log
   */
  readonly memtable?: boolean | MemTableOptions | undefined
  /** What sweeps (`db.gc`) do, and when. */
  readonly gc?: GcOptions | undefined
  /**
   * Where OpenTelemetry metrics go; `false` for nowhere.
   * @default the global meter provider's, which does nothing until the application has set one up
   */
  readonly meter?: Meter | false | undefined
  /** Called with the progress of reading the log back, when the store opens. */
  readonly onProgress?: ((progress: WalProgress) => void) | undefined
  /**
   * Refuses every write with LEVEL_READONLY, and writes nothing by itself, not even the store's marker. What a log has and the backend lacks
   * is read into memory, up to `memtable.maxBytes`; if it is more, opening fails with LEVEL_NOT_SUPPORTED.
   * @default false
   */
  readonly readOnly?: boolean | undefined
}

const STORE_OPTIONS = {
  codec: 'any',
  minSize: 'any',
  dictionary: 'any',
  minSaving: 'any',
  offThreadSize: 'any',
  maxValueSize: 'any',
  checksum: 'any',
  cacheBytes: 'any',
  wal: 'any',
  memtable: 'any',
  gc: 'any',
  meter: 'meter',
  onProgress: 'function',
  readOnly: 'boolean',
  keyEncoding: 'any',
  valueEncoding: 'any',
  createIfMissing: 'any',
  errorIfExists: 'any'
} as const satisfies OptionTable<CompressedKvStoreOptions<unknown, unknown>>

/**
 * Options of a single write, beside abstract-level's own. On a batch they are the defaults of its operations. Not `readonly`,
 * because `sync` must be declared exactly as classic-level declares it.
 */
export interface WriteOptions {
  /** Used instead of the codec that the store's options choose. */
  codec?: Codec | CodecName | CodecSelector | undefined
  /** Time to live in ms, above 0. When it is over, no read sees the entry any more. A later put of the key without `ttl` ends it. */
  ttl?: number | undefined
  /**
   * Resolves only when the write is on stable storage: in the log, or without a log in the backend, if that has such an option (as classic-level has).
   */
  sync?: boolean | undefined
  /**
   * Called before the write resolves, with how many bytes the value takes as it is stored, including its trailer. For that the value is
   * compressed at once, and not on its way to the backend. If `onStored` throws, the write is rejected.
   */
  onStored?: ((bytes: number) => void) | undefined
}

/** All options of this library, with defaults filled in. */
export interface Settings {
  readonly codec: Codec | CodecName | readonly CodecRule[] | CodecSelector
  /** undefined leaves it to {@link defaultMinSize}. */
  readonly minSize: number | undefined
  readonly minSaving: number
  readonly dictionary: 'auto' | Buffer | false
  readonly offThreadSize: number
  readonly maxValueSize: number
  readonly checksum: 'auto' | 'always'
  readonly cacheBytes: number
  readonly readOnly: boolean
  /** undefined for no log; its directory may have to be derived from the backend. */
  readonly wal: WalOptions | undefined
  /** undefined for none. */
  readonly memtable: MemTableSettings | undefined
  readonly gc: CollectorSettings
}

/** The defaults of `memtable` and `gc` are beside those options. */
export const DEFAULTS = {
  codec: 'lz4',
  minSaving: 0.1,
  dictionary: false,
  offThreadSize: 64 * 1024,
  maxValueSize: 1024 ** 3,
  checksum: 'auto',
  cacheBytes: 0,
  readOnly: false
} as const satisfies Partial<Settings>

const MIN_SIZE = 1024
/**
 * LevelDB compresses blocks of 4 KiB with Snappy. A value smaller than a block shares it with its neighbours, which Snappy sees and
 * LZ4 does not: files of 1 to 4 KiB took 14 % more on disk with LZ4 than without, and puts of 1 KiB ran at half the rate.
 */
const LZ4_MIN_SIZE_OVER_LEVELDB = 4096

/** The default of `minSize`. */
export function defaultMinSize(codec: Codec, overLevelDb: boolean): number {
  return overLevelDb && codec.id === CODEC_ID.lz4 ? LZ4_MIN_SIZE_OVER_LEVELDB : MIN_SIZE
}

/** The envelope has 32 bits for the length of a value, and the longest Buffer may be shorter than that. */
const MAX_VALUE_SIZE = Math.min(2 ** 32 - 1, constants.MAX_LENGTH)

/** @throws CKV_INVALID_OPTION */
export function assertMaxValueSize(bytes: number): void {
  assertBytes('maxValueSize', bytes, MAX_VALUE_SIZE)
}

/**
 * Splits options into ours, with defaults filled in, and the rest, for abstract-level. Ours must not reach abstract-level, which would hand them
 * to hooks.
 *
 * @param hasLocation whether the backend has a directory, where a log can be
 * @throws CKV_INVALID_OPTION, LEVEL_NOT_SUPPORTED
 */
export function resolveOptions<K, V>(
  options: CompressedKvStoreOptions<K, V> = {},
  hasLocation: boolean
): {
  settings: Settings
  rest: AbstractDatabaseOptions<K, V>
} {
  // Unknown options go to hooks and the backend, which may have options of their own.
  assertNoneMisspelt('CompressedKvStore', options, STORE_OPTIONS)
  assertNoneMisplaced(options)
  const { codec, minSize, minSaving, offThreadSize, maxValueSize, checksum, cacheBytes, readOnly, ...others } = options
  const { dictionary, wal: walOption = hasLocation, memtable, gc, meter, onProgress, ...rest } = others
  const wal = walOptions(walOption, hasLocation, { meter, onProgress, ...(readOnly ? { readOnly } : {}) })
  const settings: Settings = {
    codec: codec ?? DEFAULTS.codec,
    minSize,
    minSaving: minSaving ?? DEFAULTS.minSaving,
    dictionary: dictionaryOption(dictionary),
    offThreadSize: offThreadSize ?? DEFAULTS.offThreadSize,
    maxValueSize: maxValueSize ?? DEFAULTS.maxValueSize,
    checksum: checksum ?? DEFAULTS.checksum,
    cacheBytes: cacheBytes ?? DEFAULTS.cacheBytes,
    readOnly: readOnly ?? DEFAULTS.readOnly,
    wal,
    memtable: memtableSettings(memtable, wal !== undefined),
    gc: collectorSettings(gc)
  }
  if (settings.minSize !== undefined) assertBytes('minSize', settings.minSize, Infinity)
  assertBytes('offThreadSize', settings.offThreadSize, Infinity)
  assertMaxValueSize(settings.maxValueSize)
  assertBytes('cacheBytes', settings.cacheBytes, Number.MAX_SAFE_INTEGER)
  if (typeof settings.minSaving !== 'number' || !(settings.minSaving >= 0 && settings.minSaving < 1)) {
    throw invalidOption(`minSaving must be a share, at least 0 and less than 1, not ${shown(settings.minSaving)}`)
  }
  if (settings.checksum !== 'auto' && settings.checksum !== 'always') {
    throw invalidOption(`checksum must be 'auto' or 'always', not ${shown(settings.checksum)}`)
  }
  return { settings, rest }
}

function dictionaryOption(dictionary: unknown): Settings['dictionary'] {
  if (dictionary === undefined) return DEFAULTS.dictionary
  if (dictionary === 'auto' || dictionary === false) return dictionary
  if (!isUint8Array(dictionary)) {
    throw invalidOption(`dictionary must be 'auto', a Uint8Array or false, not ${shown(dictionary)}`)
  }
  assertBytes('The length of the dictionary', dictionary.length, MAX_DICTIONARY_BYTES)
  if (dictionary.length === 0) throw invalidOption('dictionary must not be empty: use false for none')
  const bytes = Buffer.from(dictionary)
  try {
    dictionaryContent(bytes)
  } catch (error) {
    throw invalidOption(
      `dictionary begins like a Zstandard dictionary but is not a valid one: ${(error as Error).message}`
    )
  }
  return bytes
}

/**
 * Stands for the log's default directory in a check of the options: it is known only when the backend is open. Absolute, since a process whose own
 * directory was removed cannot resolve another path.
 */
const IN_THE_BACKEND = '/'

/** @param shared options of the store that hold for its log as well, unless the log's own options say otherwise */
function walOptions(
  wal: boolean | string | WalOptions | undefined,
  hasLocation: boolean,
  shared: WalOptions
): WalOptions | undefined {
  if (wal === undefined || wal === false) return undefined
  if (wal !== true && typeof wal !== 'string' && (typeof wal !== 'object' || wal === null || wal instanceof URL)) {
    throw invalidOption(`wal must be true, false, a directory or an object of options, not ${shown(wal)}`)
  }
  const given: WalOptions = wal === true ? {} : typeof wal === 'string' ? { dir: wal } : wal
  if (given.readOnly !== undefined && given.readOnly !== (shared.readOnly ?? false)) {
    throw invalidOption('The log of a store is read-only if the store is: give readOnly to the store')
  }
  // An option that is undefined counts as not given.
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as WalOptions
  const options = { ...shared, ...defined }
  if (options.dir === undefined && !hasLocation) {
    throw invalidOption(
      "The backend has no directory of its own: say where its log is to be, as in { wal: './my-log' }"
    )
  }
  // Checked here, so that bad options are refused now and not only when the store opens.
  const { recovery, directory } = resolveWalOptions({ ...options, dir: options.dir ?? IN_THE_BACKEND }, 'wal')
  if (recovery === 'salvage') {
    throw invalidOption("A store cannot be opened with recovery: 'salvage': open the log alone with it")
  }
  // Absolute, since the process may be in another directory when the store opens.
  return options.dir === undefined ? options : { ...options, dir: directory }
}

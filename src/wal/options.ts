import { resolve } from 'node:path'
import type { Meter } from '@opentelemetry/api'
import type { Codec, CodecName } from '../codec/codec.js'
import { codecForWriting } from '../codec/registry.js'
import { invalidOption } from '../errors.js'
import type { FileSystem } from '../fs/file-system.js'
import { nodeFileSystem } from '../fs/node-file-system.js'
import { assertKnownOptions, type OptionTable } from '../known-options.js'
import { MAX_INTERVAL_MS, shown } from '../option-checks.js'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './format/format.js'
import type { WalEvent } from './observer.js'
import type { WalProgress } from './recovery/recovery-progress.js'

/** Options of a write-ahead log. */
export interface WalOptions {
  /**
   * The log's directory, made if it is not there; other files in it are left alone. Required for a log used alone.
   * @default in a store, `<location>/ckv-wal`
   */
  readonly dir?: string | undefined
  /**
   * When an append resolves. 'always': when it is on stable storage, with one fsync for all appends that wait. 'interval': when it is written; an
   * fsync follows within `fsyncIntervalMs`. 'os': when it is written; the system decides when it is stable. If the process is
   * killed, nothing is lost with any of them; a power cut loses what was not on stable storage.
   * @default 'interval'
   */
  readonly fsync?: 'always' | 'interval' | 'os' | undefined
  /**
   * With `fsync: 'interval'`: how long after bytes were written an fsync begins, at most, in ms from 1. With a lower value a power cut loses less.
   * @default 5
   */
  readonly fsyncIntervalMs?: number | undefined
  /**
   * Size at which a segment file is ended and a new one begun, in bytes, at least `blockBytes` and 128. Larger segments cost fewer fsyncs; smaller
   * ones are deleted sooner. A record that is larger than a segment gets a segment of its own.
   * @default 134217728 (128 MiB)
   */
  readonly segmentBytes?: number | undefined
  /**
   * Records are compressed together, in blocks of about this size before compression, in bytes from 1024 to 64 MiB. Larger blocks compress
   * better and make reading single records slower.
   * @default 65536
   */
  readonly blockBytes?: number | undefined
  /**
   * How blocks are compressed. What is already in the log stays readable. A codec that is given here compresses every block that it makes at
   * least 10 % smaller.
   * @default 'lz4', but only where it keeps up: a block is stored uncompressed if it is written before it is full, or while two others are being
   *   compressed
   */
  readonly codec?: Codec | CodecName | undefined
  /**
   * What to do with a torn end. 'tail': cut off what was never on stable storage, and keep the cut bytes in a file. 'strict': refuse to open.
   * 'salvage': open read-only, skip whatever is damaged, wherever it is, and report it; if a store has written snapshots into the log, they are
   * read first, and then what came after them. A store cannot be opened with 'salvage'.
   * @default 'tail'
   */
  readonly recovery?: 'tail' | 'strict' | 'salvage' | undefined
  /**
   * Writes nothing, not even a lock file; appends are refused with LEVEL_READONLY.
   * @default false
   */
  readonly readOnly?: boolean | undefined
  /** Called with the progress of opening, at least at the end of every segment. */
  readonly onProgress?: ((progress: WalProgress) => void) | undefined
  /** Called for every segment that is ended, every fsync, every torn end that opening cuts off, and when nothing can be written any more. */
  readonly onEvent?: ((event: WalEvent) => void) | undefined
  /**
   * Where OpenTelemetry metrics go; `false` for nowhere.
   * @default the global meter provider's, which does nothing until the application has set one up
   */
  readonly meter?: Meter | false | undefined
  /**
   * The file calls.
   * @default those of node:fs
   */
  readonly fs?: FileSystem | undefined
}

const WAL_OPTIONS = {
  dir: 'any',
  fsync: 'any',
  fsyncIntervalMs: 'any',
  segmentBytes: 'any',
  blockBytes: 'any',
  codec: 'any',
  recovery: 'any',
  readOnly: 'boolean',
  onProgress: 'function',
  onEvent: 'function',
  meter: 'meter',
  fs: 'any'
} as const satisfies OptionTable<WalOptions>

/** Options of a log, resolved. */
export interface WalSettings {
  readonly directory: string
  readonly fsync: 'always' | 'interval' | 'os'
  readonly fsyncIntervalMs: number
  readonly segmentBytes: number
  readonly blockBytes: number
  readonly codec: Codec
  /** Whether the codec is the default: then blocks may go uncompressed for the sake of speed, or because it does not load. */
  readonly codecMayYield: boolean
  readonly recovery: 'tail' | 'strict' | 'salvage'
  readonly readOnly: boolean
  readonly onProgress: ((progress: WalProgress) => void) | undefined
  readonly onEvent: ((event: WalEvent) => void) | undefined
  readonly meter: Meter | false | undefined
  readonly fs: FileSystem
}

const WAL_DEFAULTS = {
  fsync: 'interval',
  fsyncIntervalMs: 5,
  segmentBytes: 128 * 1024 * 1024,
  blockBytes: 64 * 1024,
  codec: 'lz4',
  recovery: 'tail',
  readOnly: false,
  fs: nodeFileSystem
} as const

const FILE_CALLS = Object.keys(nodeFileSystem) as (keyof FileSystem)[]
const FSYNC_POLICIES = ['always', 'interval', 'os']
const RECOVERY_MODES = ['tail', 'strict', 'salvage']
const MIN_BLOCK_BYTES = 1024
const MAX_BLOCK_BYTES = 64 * 1024 * 1024

/**
 * @param owner whose options they are, for messages
 * @throws CKV_INVALID_OPTION
 */
export function resolveWalOptions(options: WalOptions = {}, owner = 'Wal.open()'): WalSettings {
  assertKnownOptions(owner, options, WAL_OPTIONS)
  const { dir, codec, onProgress, onEvent, meter } = options
  if (typeof dir !== 'string' || dir === '') throw invalidOption('A log needs a directory: pass { dir }')
  const {
    fsync = WAL_DEFAULTS.fsync,
    fsyncIntervalMs = WAL_DEFAULTS.fsyncIntervalMs,
    segmentBytes = WAL_DEFAULTS.segmentBytes,
    blockBytes = WAL_DEFAULTS.blockBytes,
    recovery = WAL_DEFAULTS.recovery,
    readOnly = WAL_DEFAULTS.readOnly,
    fs = WAL_DEFAULTS.fs
  } = options
  assertOneOf('fsync', fsync, FSYNC_POLICIES)
  assertOneOf('recovery', recovery, RECOVERY_MODES)
  assertFileSystem(fs)
  assertWhole('fsyncIntervalMs', fsyncIntervalMs, 1, MAX_INTERVAL_MS)
  assertWhole('blockBytes', blockBytes, MIN_BLOCK_BYTES, MAX_BLOCK_BYTES)
  // A segment takes at least one block, with the headers.
  assertWhole(
    'segmentBytes',
    segmentBytes,
    SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + blockBytes,
    Number.MAX_SAFE_INTEGER
  )
  return {
    directory: fs === nodeFileSystem ? resolve(dir) : dir, // Absolute, since the process may go to another directory.
    fsync,
    fsyncIntervalMs,
    segmentBytes,
    blockBytes,
    codec: codecForWriting(codec ?? WAL_DEFAULTS.codec),
    codecMayYield: codec === undefined,
    recovery,
    readOnly: readOnly || recovery === 'salvage',
    onProgress,
    onEvent,
    meter,
    fs
  }
}

/**
 * Loads the codec. If that fails and the codec is the default, which nobody has asked for, blocks are to be stored as they are.
 *
 * @throws CKV_CODEC_UNAVAILABLE, LEVEL_NOT_SUPPORTED for a codec that was named
 */
export function withLoadedCodec(settings: WalSettings): WalSettings {
  try {
    settings.codec.load?.()
    return settings
  } catch (error) {
    if (!settings.codecMayYield) throw error
    return { ...settings, codec: codecForWriting('none') }
  }
}

function assertFileSystem(fs: FileSystem): void {
  const missing = FILE_CALLS.find(name => typeof fs[name] !== 'function')
  if (missing !== undefined)
    throw invalidOption(`fs must be a FileSystem, as nodeFileSystem is: it has no ${missing}()`)
}

function assertOneOf(name: string, value: string, values: readonly string[]): void {
  if (values.includes(value)) return
  throw invalidOption(`${name} must be one of '${values.join("', '")}', not ${shown(value)}`)
}

function assertWhole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw invalidOption(`${name} must be a whole number from ${least} to ${most}, not ${shown(value)}`)
}

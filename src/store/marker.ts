import { randomBytes } from 'node:crypto'
import { crc32c } from '../checksum/crc32c.js'
import { GUARD_BYTES, GUARD_LAST } from '../envelope/format.js'
import type { Guard } from '../envelope/guard.js'
import { type CompressedKvError, corruption, notSupported } from '../errors.js'
import { readU64, STORE_ID_BYTES, writeU64 } from '../wal/format/format.js'
import { reservedKey } from './backend/reserved-keys.js'

/**
 * The marker, format version 1: what a store keeps of itself, under a reserved key, without an envelope. Little-endian.
 *
 *     offset  size
 *          0     4   magic "ckvm"
 *          4     2   format version, 1
 *          6     2   incompatible feature bits: 1 being unwrapped, 2 an unfinished backup; an unknown one refuses the store
 *          8    16   store id, random
 *         24     1   flags: 1 plain values may be there, 2 a TTL was written, 4 a log exists, 8 the log is dirty, 16 it says since when,
 *                    32 it says which dictionary is the newest
 *         25     7   the guard's random bytes; zeros in a store begun empty
 *         32     8   applied sequence number
 *         40     2   length of the sweep's state
 *         42     …   the sweep's state (`gc/sweep-state.ts`); while being unwrapped the last key that is plain again
 *          …     8   with flag 16: since when the log is dirty, ms since 1970
 *          …     6   with flag 32: id of the newest dictionary, and crc32c of its bytes
 *        end     4   crc32c of all before
 */
export const MARKER_KEY = reservedKey('marker')

const MAGIC = Buffer.from('ckvm')
const VERSION = 1

const VERSION_AT = MAGIC.length
const FEATURES_AT = VERSION_AT + 2
const STORE_ID_AT = FEATURES_AT + 2
const FLAGS_AT = STORE_ID_AT + STORE_ID_BYTES
const GUARD_AT = FLAGS_AT + 1
const GUARD_RANDOM_BYTES = GUARD_BYTES - 1
const APPLIED_AT = GUARD_AT + GUARD_RANDOM_BYTES
const SWEEP_LENGTH_AT = APPLIED_AT + 8
const SWEEP_AT = SWEEP_LENGTH_AT + 2
const DIRTY_SINCE_BYTES = 8
const DICTIONARY_ID_BYTES = 2
const CRC_BYTES = 4
const NEWEST_DICTIONARY_BYTES = DICTIONARY_ID_BYTES + CRC_BYTES

/** Set while a database is being unwrapped. Versions of this library that do not know the bit refuse to open the store. */
const FEATURE_UNWRAPPING = 1
const FEATURE_UNFINISHED = 2

const FLAG_PLAIN_VALUES = 1
const FLAG_TTL_USED = 2
const FLAG_LOG_EXISTS = 4
const FLAG_LOG_DIRTY = 8
const FLAG_DIRTY_SINCE = 16
const FLAG_NEWEST_DICTIONARY = 32
const FLAGS_KNOWN =
  FLAG_PLAIN_VALUES | FLAG_TTL_USED | FLAG_LOG_EXISTS | FLAG_LOG_DIRTY | FLAG_DIRTY_SINCE | FLAG_NEWEST_DICTIONARY

/** A dictionary that a store had, and may have lost since. */
export interface KnownDictionary {
  readonly id: number
  /** crc32c of its bytes. */
  readonly crc: number
}

export interface Marker {
  readonly storeId: Buffer
  /** 8 bytes, the last 0xff; undefined in a store begun empty. */
  readonly guard: Buffer | undefined
  /** Plain values from before the backend was wrapped may still be there. */
  readonly plainValues: boolean
  /** A value with a `ttl` was written once, so that `has` and `keys` have to look at values. */
  readonly ttlUsed: boolean
  /** The store has, or had, a write-ahead log. */
  readonly logExists: boolean
  /** That log may have writes that the backend lacks. */
  readonly logDirty: boolean
  /**
   * When the segment was created with which the log became dirty, ms since 1970. An older log of the store, or an older copy of this one,
   * has no segment that is as new. undefined if the log is not dirty.
   */
  readonly logDirtySince?: number | undefined
  /** The newest dictionary that values may need. Even if it is lost, no other gets its id. undefined if there never was one. */
  readonly newestDictionary?: KnownDictionary | undefined
  /** Number of the last record of the log that the backend has; 0 without a log. */
  readonly applied: number
  /** Where an interrupted sweep goes on, at most 65,535 bytes; empty if none was interrupted. */
  readonly sweep: Buffer
  /** The values up to the key in `sweep` are plain again: `unwrap` was interrupted. */
  readonly unwrapping: boolean
}

/**
 * The marker of a new store.
 *
 * @param plainValues whether the backend has values already
 * @param storeId by default a random one
 */
export function newMarker(plainValues: boolean, storeId: Buffer = randomBytes(STORE_ID_BYTES)): Marker {
  const guard = plainValues ? Buffer.concat([randomGuard(), Buffer.from([GUARD_LAST])]) : undefined
  return {
    storeId,
    guard,
    plainValues,
    ttlUsed: false,
    logExists: false,
    logDirty: false,
    applied: 0,
    sweep: Buffer.alloc(0),
    unwrapping: false
  }
}

/** What distinguishes a store's envelopes from plain values. */
export function guardOf({ guard, plainValues }: Marker): Guard {
  return { bytes: guard, plainValues }
}

/** Not all zeros, which would mean that there is no guard. */
function randomGuard(): Buffer {
  for (;;) {
    const bytes = randomBytes(GUARD_RANDOM_BYTES)
    if (bytes.some(byte => byte !== 0)) return bytes
  }
}

export function encodeMarker(marker: Marker): Buffer {
  return encode(marker, marker.unwrapping ? FEATURE_UNWRAPPING : 0)
}

/** The marker of a copy that is not complete: {@link decodeMarker} refuses it. */
export function encodeUnfinishedMarker(marker: Marker): Buffer {
  return encode(marker, FEATURE_UNFINISHED)
}

function encode(marker: Marker, features: number): Buffer {
  const { logDirtySince, newestDictionary } = marker
  const sweepEnd = SWEEP_AT + marker.sweep.length
  const dictionaryAt = sweepEnd + (logDirtySince === undefined ? 0 : DIRTY_SINCE_BYTES)
  const crcAt = dictionaryAt + (newestDictionary === undefined ? 0 : NEWEST_DICTIONARY_BYTES)
  const out = Buffer.alloc(crcAt + CRC_BYTES)
  out.set(MAGIC, 0)
  out.writeUInt16LE(VERSION, VERSION_AT)
  out.writeUInt16LE(features, FEATURES_AT)
  out.set(marker.storeId, STORE_ID_AT)
  out[FLAGS_AT] =
    (marker.plainValues ? FLAG_PLAIN_VALUES : 0) |
    (marker.ttlUsed ? FLAG_TTL_USED : 0) |
    (marker.logExists ? FLAG_LOG_EXISTS : 0) |
    (marker.logDirty ? FLAG_LOG_DIRTY : 0) |
    (logDirtySince === undefined ? 0 : FLAG_DIRTY_SINCE) |
    (newestDictionary === undefined ? 0 : FLAG_NEWEST_DICTIONARY)
  if (marker.guard !== undefined) out.set(marker.guard.subarray(0, GUARD_RANDOM_BYTES), GUARD_AT)
  writeU64(out, marker.applied, APPLIED_AT)
  out.writeUInt16LE(marker.sweep.length, SWEEP_LENGTH_AT)
  out.set(marker.sweep, SWEEP_AT)
  if (logDirtySince !== undefined) writeU64(out, logDirtySince, sweepEnd)
  if (newestDictionary !== undefined) {
    out.writeUInt16LE(newestDictionary.id, dictionaryAt)
    out.writeUInt32LE(newestDictionary.crc, dictionaryAt + DICTIONARY_ID_BYTES)
  }
  out.writeUInt32LE(crc32c(out.subarray(0, crcAt)), crcAt)
  return out
}

/** @throws LEVEL_CORRUPTION if damaged; LEVEL_NOT_SUPPORTED if from a later version, or of an unfinished backup */
export function decodeMarker(bytes: Buffer): Marker {
  const crcAt = bytes.length - CRC_BYTES
  if (bytes.length < SWEEP_AT + CRC_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw damaged()
  }
  if (bytes.readUInt32LE(crcAt) !== crc32c(bytes.subarray(0, crcAt))) throw damaged()
  const version = bytes.readUInt16LE(VERSION_AT)
  const features = bytes.readUInt16LE(FEATURES_AT)
  const flags = bytes[FLAGS_AT]!
  if (version === VERSION && features === FEATURE_UNFINISHED) {
    throw notSupported('This database is a backup that was not finished: clear it, and back up again')
  }
  if (version !== VERSION || features & ~FEATURE_UNWRAPPING || flags & ~FLAGS_KNOWN) {
    throw notSupported(`This store has format ${version}, features ${features}, flags ${flags}: upgrade compressed-kv`)
  }
  const hasDirtySince = (flags & FLAG_DIRTY_SINCE) !== 0
  const hasDictionary = (flags & FLAG_NEWEST_DICTIONARY) !== 0
  const sweepEnd = SWEEP_AT + bytes.readUInt16LE(SWEEP_LENGTH_AT)
  const dictionaryAt = sweepEnd + (hasDirtySince ? DIRTY_SINCE_BYTES : 0)
  if (dictionaryAt + (hasDictionary ? NEWEST_DICTIONARY_BYTES : 0) !== crcAt) throw damaged()

  const random = bytes.subarray(GUARD_AT, APPLIED_AT)
  const guarded = random.some(byte => byte !== 0)
  const applied = readU64(bytes, APPLIED_AT)
  const logDirtySince = hasDirtySince ? readU64(bytes, sweepEnd) : undefined
  if (flags & FLAG_PLAIN_VALUES && !guarded) throw damaged()
  if (Number.isNaN(applied) || Number.isNaN(logDirtySince)) throw damaged()
  return {
    storeId: Buffer.from(bytes.subarray(STORE_ID_AT, FLAGS_AT)),
    guard: guarded ? Buffer.concat([random, Buffer.from([GUARD_LAST])]) : undefined,
    plainValues: (flags & FLAG_PLAIN_VALUES) !== 0,
    ttlUsed: (flags & FLAG_TTL_USED) !== 0,
    logExists: (flags & FLAG_LOG_EXISTS) !== 0,
    logDirty: (flags & FLAG_LOG_DIRTY) !== 0,
    ...(logDirtySince !== undefined && { logDirtySince }),
    ...(hasDictionary && {
      newestDictionary: {
        id: bytes.readUInt16LE(dictionaryAt),
        crc: bytes.readUInt32LE(dictionaryAt + DICTIONARY_ID_BYTES)
      }
    }),
    applied,
    sweep: Buffer.from(bytes.subarray(SWEEP_AT, sweepEnd)),
    unwrapping: (features & FEATURE_UNWRAPPING) !== 0
  }
}

function damaged(): CompressedKvError {
  return corruption("the store's marker is damaged: have it made anew by `ckv repair` or repair(), or restore a backup")
}

import { crc32c } from '../../checksum/crc32c.js'
import { corruption, notSupported } from '../../errors.js'
import { STORE_ID_BYTES } from '../../wal/format/format.js'
import { asBuffer } from '../backend/as-bytes.js'
import { reservedKey } from '../backend/reserved-keys.js'

/**
 * A dictionary as the store keeps it, format version 1: under a reserved key of its own, without an envelope. Little-endian.
 *
 *     offset  size
 *          0     4   magic "ckvd"
 *          4     2   format version, 1
 *          6     2   id
 *          8    16   store id: a dictionary of another store would restore other data
 *         24     1   flags: 1 it was given in the options, else it was trained
 *         25     1   reserved, 0
 *         26     2   rawShare, in 1/1000: see below
 *         28     …   the dictionary
 *        end     4   crc32c of all before
 */
export interface DictionaryRecord {
  /** 1 to 65,535 */
  readonly id: number
  readonly given: boolean
  /** The share of their length that such values take in the backend if they are stored raw, up to 1: below 1 if the backend compresses by itself. */
  readonly rawShare: number
  readonly bytes: Buffer
}

const MAGIC = Buffer.from('ckvd')
const VERSION = 1
const VERSION_AT = MAGIC.length
const ID_AT = VERSION_AT + 2
const STORE_ID_AT = ID_AT + 2
const FLAGS_AT = STORE_ID_AT + STORE_ID_BYTES
const RESERVED_AT = FLAGS_AT + 1
const RAW_SHARE_AT = RESERVED_AT + 1
const RAW_SHARE_UNIT = 1000
const BYTES_AT = RAW_SHARE_AT + 2
const CRC_BYTES = 4

const FLAG_GIVEN = 1

export const MAX_DICTIONARY_ID = 0xffff

const KEY_PREFIX = reservedKey('dictionary-')
/** Keys of dictionaries lie from here to below {@link DICTIONARIES_END}. */
export const DICTIONARIES_START = KEY_PREFIX
export const DICTIONARIES_END = reservedKey('dictionary.')

const ID_DIGITS = 5

export function dictionaryKey(id: number): Buffer {
  return Buffer.concat([KEY_PREFIX, Buffer.from(String(id).padStart(ID_DIGITS, '0'))])
}

/** The id of the dictionary under a key; undefined if it is not the key of one. */
export function idInKey(key: Uint8Array): number | undefined {
  if (key.length !== KEY_PREFIX.length + ID_DIGITS) return undefined
  const bytes = asBuffer(key)
  const digits = bytes.toString('latin1', KEY_PREFIX.length)
  if (KEY_PREFIX.compare(bytes, 0, KEY_PREFIX.length) !== 0 || !/^\d+$/.test(digits)) return undefined
  const id = Number(digits)
  return id >= 1 && id <= MAX_DICTIONARY_ID ? id : undefined
}

export function encodeDictionary({ id, given, rawShare, bytes }: DictionaryRecord, storeId: Buffer): Buffer {
  const crcAt = BYTES_AT + bytes.length
  const out = Buffer.alloc(crcAt + CRC_BYTES)
  out.set(MAGIC, 0)
  out.writeUInt16LE(VERSION, VERSION_AT)
  out.writeUInt16LE(id, ID_AT)
  out.set(storeId, STORE_ID_AT)
  out[FLAGS_AT] = given ? FLAG_GIVEN : 0
  out.writeUInt16LE(Math.round(rawShare * RAW_SHARE_UNIT), RAW_SHARE_AT)
  out.set(bytes, BYTES_AT)
  out.writeUInt32LE(crc32c(out.subarray(0, crcAt)), crcAt)
  return out
}

/**
 * @param id the one in its key
 * @throws LEVEL_CORRUPTION if it is damaged, another dictionary, or another store's; LEVEL_NOT_SUPPORTED if from a later version
 */
export function decodeDictionary(stored: Buffer, id: number, storeId: Buffer): DictionaryRecord {
  if (!isWhole(stored)) throw corruption(`dictionary ${id} is damaged`)
  const version = stored.readUInt16LE(VERSION_AT)
  const flags = stored[FLAGS_AT]!
  if (version !== VERSION || flags & ~FLAG_GIVEN || stored[RESERVED_AT] !== 0) {
    throw notSupported(`Dictionary ${id} has format ${version}, flags ${flags}: upgrade compressed-kv`)
  }
  if (stored.readUInt16LE(ID_AT) !== id) throw corruption(`under the key of dictionary ${id} there is another`)
  if (!storeIdIn(stored).equals(storeId)) throw corruption(`dictionary ${id} belongs to another store`)
  return {
    id,
    given: (flags & FLAG_GIVEN) !== 0,
    rawShare: stored.readUInt16LE(RAW_SHARE_AT) / RAW_SHARE_UNIT,
    bytes: Buffer.from(stored.subarray(BYTES_AT, stored.length - CRC_BYTES))
  }
}

/** The store that a dictionary belongs to; undefined if the dictionary is damaged. */
export function ownerOfDictionary(stored: Buffer): Buffer | undefined {
  return isWhole(stored) ? Buffer.from(storeIdIn(stored)) : undefined
}

function isWhole(stored: Buffer): boolean {
  const crcAt = stored.length - CRC_BYTES
  return (
    crcAt >= BYTES_AT &&
    stored.subarray(0, MAGIC.length).equals(MAGIC) &&
    stored.readUInt32LE(crcAt) === crc32c(stored.subarray(0, crcAt))
  )
}

function storeIdIn(stored: Buffer): Buffer {
  return stored.subarray(STORE_ID_AT, FLAGS_AT)
}

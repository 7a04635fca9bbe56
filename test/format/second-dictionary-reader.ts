// Reads dictionaries, and values that need one, from docs/format.md alone: it shares no line with the library.
import { createDCtx, decompressUsingDict } from '@bokuweb/zstd-wasm'
import { uncompressSync } from 'lz4-napi'

type Value = {
  kind: 'envelope'
  codec: number
  dictionary: number
  value: Buffer
  expiresAt: number | null
  probe: { codecId: number; effort: number } | null
}
type StoredDictionary = { id: number; given: boolean; dictionary: Buffer }

const LZ4 = 1
const ZSTD = 2

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

function demand(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new Error(complaint)
}

export function keyOfDictionary(id: number): Buffer {
  return Buffer.concat([Buffer.from('ff636b7600', 'hex'), Buffer.from(`dictionary-${String(id).padStart(5, '0')}`)])
}

/** @param key where it was found */
export function readDictionary(stored: Buffer, key: Buffer, storeId: Buffer): StoredDictionary {
  const end = stored.length - 4
  demand(end >= 28 && stored.toString('latin1', 0, 4) === 'ckvd', 'not a dictionary')
  demand(crc32c(stored.subarray(0, end)) === stored.readUInt32LE(end), 'checksum fails')
  demand(stored.readUInt16LE(4) === 1, 'unknown version')
  const id = stored.readUInt16LE(6)
  demand(keyOfDictionary(id).equals(key), 'the dictionary of another key')
  demand(stored.subarray(8, 24).equals(storeId), 'the dictionary of another store')
  const flags = stored.readUInt8(24)
  demand((flags & ~1) === 0 && stored[25] === 0, 'unknown flag')
  return { id, given: flags === 1, dictionary: stored.subarray(28, end) }
}

export function readValue(stored: Buffer, guard: Buffer | null, dictionaryOf: (id: number) => Buffer): Value {
  demand(guard === null || stored.subarray(-guard.length).equals(guard), 'no guard')
  const bytes = guard === null ? stored : stored.subarray(0, -guard.length)
  let start = bytes.length
  const take = (width: number): number => {
    start -= width
    demand(start >= 0, 'trailer longer than the envelope')
    return bytes.readUIntLE(start, width)
  }
  const tag = take(1)
  const codec = tag & 7
  const width = [0, 1, 2, 4][(tag >> 3) & 3]!
  demand((codec === LZ4 || codec === ZSTD) && (tag & 0x20) !== 0, 'not a value with a dictionary')
  const extra = tag & 0x80 ? take(1) : 0
  demand((extra & ~1) === 0, 'unknown extra bit or filter')
  const probe = extra & 1 ? { effort: take(1), codecId: take(1) } : null
  const expiresAt = tag & 0x40 ? take(6) : null
  const dictionary = take(2)
  demand(width === 1 || width === 2, 'rawLen does not fit')
  const rawLen = take(width)
  const behind = bytes.subarray(start)
  const checksum = take(4)
  const payload = bytes.subarray(0, start)
  demand(crc32c(Buffer.concat([payload, behind])) === checksum, 'checksum fails')
  const decode = codec === LZ4 ? decodeLz4 : decodeZstd
  const value = decode(payload, rawLen, dictionaryOf(dictionary))
  demand(value.length === rawLen, 'the length differs')
  return { kind: 'envelope', codec, dictionary, value, expiresAt, probe }
}

function decodeLz4(block: Buffer, rawLen: number, dictionary: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(rawLen)
  return uncompressSync(Buffer.concat([length, block]), isFormatted(dictionary) ? contentOf(dictionary) : dictionary)
}

function decodeZstd(block: Buffer, rawLen: number, dictionary: Buffer): Buffer {
  demand(block.length < rawLen, 'no shorter than the value')
  const size = Buffer.alloc(rawLen < 256 ? 1 : 2)
  size.writeUIntLE(rawLen < 256 ? rawLen : rawLen - 256, 0, size.length)
  const blockHeader = Buffer.alloc(3)
  blockHeader.writeUIntLE(5 + 8 * block.length, 0, 3)
  const start = Buffer.of(0x28, 0xb5, 0x2f, 0xfd, rawLen < 256 ? 0x20 : 0x60)
  const frame = Buffer.concat([start, size, blockHeader, block])
  const nameless = Buffer.from(dictionary)
  if (isFormatted(dictionary)) nameless.fill(0, 4, 8)
  return Buffer.from(decompressUsingDict(createDCtx(), frame, nameless))
}

function isFormatted(dictionary: Buffer): boolean {
  return dictionary.length >= 8 && dictionary.readUInt32LE(0) === 0xec30a437
}

/** RFC 8878, section 5: magic, id, Huffman table, three FSE tables, three repeat offsets, content. */
function contentOf(dictionary: Buffer): Buffer {
  const huffman = dictionary.readUInt8(8)
  let at = 9 + (huffman < 128 ? huffman : Math.ceil((huffman - 127) / 2))
  for (let table = 0; table < 3; table++) at = endOfDistribution(dictionary, at)
  return dictionary.subarray(at + 12)
}

/** RFC 8878, 4.1.1. */
function endOfDistribution(bytes: Buffer, start: number): number {
  let bit = start * 8
  const take = (count: number): number => {
    let value = 0
    for (let i = 0; i < count; i++, bit++) value |= ((bytes[bit >> 3]! >> (bit & 7)) & 1) << i
    return value
  }
  let left = 1 << (take(4) + 5)
  while (left > 0) {
    const width = 32 - Math.clz32(left + 1)
    const short = (1 << width) - 1 - (left + 1)
    let value = take(width - 1)
    if (value >= short) {
      value |= take(1) << (width - 1)
      if (value >= 1 << (width - 1)) value -= short
    }
    left -= value === 0 ? 1 : value - 1
    if (value === 1) while (take(2) === 3);
  }
  return Math.ceil(bit / 8)
}

// Reads the stored formats from docs/format.md alone: it shares no line with the library.
import { decompress } from '@mongodb-js/zstd'
import { uncompressSync } from 'lz4-napi'

type StoredValue = {
  kind: 'envelope' | 'plain'
  codec: number
  value: Buffer
  expiresAt: number | null
  probe: { codecId: number; effort: number } | null
}
type Marker = { storeId: Buffer; guard: Buffer | null; plainValues: boolean; ttlUsed: boolean }

const NONE = 0
const KIND = { unchecked: 0, lz4: 1, zstd: 2, raw: 3, otherCodec: 7 }
const ZSTD_MAGIC = Buffer.from('28b52ffd', 'hex')

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0x82f63b78 : byte >>> 1
  return byte
})

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

function demand(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new Error(complaint)
}

export async function readEnvelope(stored: Buffer, guard: Buffer | null, plainValues: boolean): Promise<StoredValue> {
  if (guard && stored.length >= guard.length) {
    const distance = differingBits(stored.subarray(-guard.length), guard)
    if (distance === 0) return openEnvelope(stored.subarray(0, -guard.length))
    demand(distance > 2, 'damaged guard')
  }
  if (plainValues) return { kind: 'plain', codec: NONE, value: stored, expiresAt: null, probe: null }
  return openEnvelope(stored)
}

function differingBits(a: Buffer, b: Buffer): number {
  let count = 0
  for (const [i, byte] of a.entries()) for (let rest = byte ^ b[i]!; rest; rest >>>= 1) count += rest & 1
  return count
}

async function openEnvelope(bytes: Buffer): Promise<StoredValue> {
  const tag = bytes.at(-1)
  demand(tag !== undefined && tag !== 0xff, 'no tag')
  if ((tag & 7) === KIND.unchecked) return openUnchecked(bytes, tag)
  const { payload, rawLenWidth, rawLen, ...rest } = readTrailer(bytes, tag)
  return { kind: 'envelope', ...rest, value: await decode(tag & 7, payload, rawLenWidth, rawLen) }
}

function openUnchecked(bytes: Buffer, tag: number): StoredValue {
  demand(tag === 0 && bytes.length <= 512, 'kind 0 is a payload below 512 bytes and a bare tag')
  return { kind: 'envelope', codec: NONE, value: bytes.subarray(0, -1), expiresAt: null, probe: null }
}

function readTrailer(bytes: Buffer, tag: number) {
  let start = bytes.length - 1
  const take = (width: number): number => {
    start -= width
    demand(start >= 0, 'trailer longer than the envelope')
    return width ? bytes.readUIntLE(start, width) : 0
  }
  const kind = tag & 7
  const rawLenWidth = [0, 1, 2, 4][(tag >> 3) & 3]!
  const extra = tag & 0x80 ? take(1) : 0
  const codec = kind === KIND.otherCodec ? take(1) : kind === KIND.raw ? NONE : kind
  const probe = extra & 1 ? { effort: take(1), codecId: take(1) } : null
  const expiresAt = tag & 0x40 ? take(6) : null
  take(tag & 0x20 ? 2 : 0)
  const rawLen = take(rawLenWidth)
  const behind = bytes.subarray(start)
  const checksum = take(4)
  const payload = bytes.subarray(0, start)
  demand(crc32c(Buffer.concat([payload, behind])) === checksum, 'checksum fails')
  demand(kind <= KIND.raw || kind === KIND.otherCodec, 'unknown kind')
  demand((extra & ~1) === 0 && (tag & 0x20) === 0, 'unknown extra bit, filter or dictionary')
  const mayOmitRawLen = kind === KIND.raw || (kind === KIND.lz4 && payload.length >= 512)
  demand(rawLenWidth ? kind !== KIND.raw : mayOmitRawLen, 'rawLen does not fit the kind')
  return { payload, rawLenWidth, rawLen, codec, expiresAt, probe }
}

async function decode(kind: number, payload: Buffer, rawLenWidth: number, rawLen: number): Promise<Buffer> {
  if (kind === KIND.lz4) return decodeLz4(rawLenWidth ? withLength(rawLen, payload) : payload)
  if (kind === KIND.zstd) return decodeZstd(rawLenWidth === 4 ? payload : Buffer.concat([ZSTD_MAGIC, payload]), rawLen)
  return payload
}

function withLength(length: number, block: Buffer): Buffer {
  const sizedBlock = Buffer.concat([Buffer.alloc(4), block])
  sizedBlock.writeUInt32LE(length)
  return sizedBlock
}

function decodeLz4(sizedBlock: Buffer): Buffer {
  const length = sizedBlock.readUInt32LE(0)
  demand(length <= 255 * (sizedBlock.length - 4), 'LZ4 length beyond what the block can hold')
  const value = uncompressSync(sizedBlock)
  demand(value.length === length, 'LZ4 length differs')
  return value
}

async function decodeZstd(frame: Buffer, rawLen: number): Promise<Buffer> {
  demand(frame.subarray(0, 4).equals(ZSTD_MAGIC), 'no Zstandard frame')
  const descriptor = frame.readUInt8(4)
  const single = (descriptor >> 5) & 1
  const sizeAt = 6 - single + [0, 1, 2, 4][descriptor & 3]!
  const sizeWidth = [single, 2, 4, 8][descriptor >> 6]!
  if (sizeWidth) demand(readContentSize(frame, sizeAt, sizeWidth) === rawLen, 'Zstandard content size differs')
  const blocks = countZstdBlocks(frame, sizeAt + sizeWidth, descriptor & 4)
  demand(rawLen <= blocks * 128 * 1024, 'rawLen beyond what the Zstandard blocks can hold')
  const value = await decompress(frame)
  demand(value.length === rawLen, 'Zstandard length differs')
  return value
}

function readContentSize(frame: Buffer, at: number, width: number): number {
  if (width === 8) return Number(frame.readBigUInt64LE(at))
  return frame.readUIntLE(at, width) + (width === 2 ? 256 : 0)
}

function countZstdBlocks(frame: Buffer, start: number, checksumWidth: number): number {
  let at = start
  let count = 0
  for (let header = 0; (header & 1) === 0; count++) {
    header = frame.readUIntLE(at, 3)
    const isRunLength = ((header >> 1) & 3) === 1
    at += 3 + (isRunLength ? 1 : header >> 3)
  }
  demand(at + checksumWidth === frame.length, 'not exactly one Zstandard frame')
  return count
}

export function readMarker(stored: Buffer): Marker {
  demand(stored.length >= 46 && stored.toString('latin1', 0, 4) === 'ckvm', 'not a marker')
  const end = stored.length - 4
  demand(crc32c(stored.subarray(0, end)) === stored.readUInt32LE(end), 'checksum fails')
  demand(stored.readUInt32LE(4) === 1, 'unknown format version or incompatible feature')
  const flags = stored.readUInt8(24)
  demand((flags & ~63) === 0, 'unknown flag')
  demand(42 + stored.readUInt16LE(40) + (flags & 16 ? 8 : 0) + (flags & 32 ? 6 : 0) === end, 'sweep length differs')
  const guardBytes = stored.subarray(25, 32)
  const guard = guardBytes.some(byte => byte !== 0) ? Buffer.concat([guardBytes, Buffer.of(0xff)]) : null
  return { storeId: stored.subarray(8, 24), guard, plainValues: (flags & 1) !== 0, ttlUsed: (flags & 2) !== 0 }
}

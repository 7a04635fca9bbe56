// Reads a write-ahead log from docs/format.md alone: it shares no line with the library. Users' codecs and the guard are its owner's.
import { ok as demand } from 'node:assert'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readEnvelope } from './second-reader.js'

type Owner = { decoders?: { [codec: number]: (stored: Buffer) => Buffer }; guard?: Buffer }
type FrameHeader = NonNullable<ReturnType<typeof readFrameHeader>>

const TYPES = ['', 'data', 'snapshotBegin', 'snapshotData', 'snapshotEnd', 'seal']
const NUMBERS: { [type: string]: number } = { snapshotBegin: 1, snapshotEnd: 1, seal: 2 }
const KINDS = ['', 'put', 'delete', 'clear']
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0x82f63b78 : byte >>> 1
  return byte
})

function crc32c(...parts: Buffer[]): number {
  let crc = 0xffffffff
  for (const part of parts) for (const byte of part) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

const u64 = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at))
const littleEndian = (value: number, width: 4 | 8) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer, 0, width)
/** The store id and the segment id lie in the segment's header as they do in the seed. */
const seededCrc = (bytes: Buffer, at: number, part: Buffer) => crc32c(bytes.subarray(16, 40), littleEndian(at, 8), part)

export async function readLog(directory: string, owner: Owner = {}) {
  const names = readdirSync(directory).filter(name => name.endsWith('.wal'))
  const ids = names.map(name => parseInt(name)).sort((a, b) => a - b)
  const segments = []
  let [storeId, end]: (Buffer | null)[] = [null, ids[0] === 1 ? Buffer.alloc(20) : null]
  for (const [i, id] of ids.entries()) {
    const [file, isLast] = [`${String(id).padStart(6, '0')}.wal`, i === ids.length - 1]
    demand(id > 0 && id === ids[0]! + i, 'ids are not consecutive')
    const bytes = readFileSync(join(directory, file))
    if (!isIntact(bytes, id)) {
      demand(isLast && (bytes.length <= 80 || bytes.every(byte => byte === 0)), 'no intact segment header')
      return { segments, torn: { file, offset: 0 } }
    }
    demand((storeId ??= bytes.subarray(16, 32)).equals(bytes.subarray(16, 32)), 'another store')
    demand(!end || end.equals(bytes.subarray(56, 76)), 'not what was behind the segment before')
    const segment = { file, id, bytes: bytes.length, ...(await readFrames(bytes, owner)) }
    segments.push(segment)
    if (isLast && segment.tornAt) return { segments, torn: { file, offset: segment.tornAt } }
    demand(isLast || (segment.end && !segment.tornAt), 'a bad frame or no seal before the last segment')
    end = segment.end
  }
  return { segments, torn: null }
}

function isIntact(bytes: Buffer, id: number): boolean {
  if (bytes.length < 80 || bytes.toString('latin1', 0, 8) !== 'ckv-wal\0') return false
  if (crc32c(bytes.subarray(0, 76)) !== bytes.readUInt32LE(76)) return false
  demand(bytes.readUInt32LE(8) === 1 && bytes.readUInt32LE(12) === 0, 'unknown version, feature or reserved bit')
  const numbers = [32, 40, 48, 56, 64].map(at => u64(bytes, at))
  demand(numbers.every(Number.isSafeInteger), 'a u64 above 2^53 - 1')
  return numbers[0] === id && numbers[1]! > numbers[3]!
}

async function readFrames(bytes: Buffer, owner: Owner) {
  const frames = []
  let [offset, next, previousCrc, end] = [80, u64(bytes, 40), bytes.readUInt32LE(76), null as Buffer | null]
  while (offset < bytes.length) {
    const header = readFrameHeader(bytes, offset)
    const stored = bytes.subarray(offset + 48, offset + 48 + (header?.storedLength ?? 0))
    const isChained = header?.previousCrc === previousCrc && header.firstSequence === next && !end
    const isWhole = isChained && header.syncedOffset <= offset && header.storedLength === stored.length
    if (!isWhole || seededCrc(bytes, offset, stored) !== header.payloadCrc) break
    frames.push({ offset, ...header, ...(await readPayload(header, stored, owner)) })
    if (header.type === 'data') next += header.count
    ;[offset, previousCrc] = [offset + 48 + stored.length, header.crc]
    if (header.type !== 'seal') continue
    demand(u64(stored, 0) === next - u64(bytes, 40) && u64(stored, 8) === next - 1, 'a seal that does not count')
    end = Buffer.concat([stored.subarray(8), littleEndian(offset, 8), littleEndian(previousCrc, 4)])
  }
  demand(!isVouchedFor(bytes, offset), 'damage to what was on stable storage')
  const isRoom = bytes.length === (Math.floor(offset / 2 ** 18) + 1) * 2 ** 18 && !bytes.subarray(offset).some(Boolean)
  return { frames, end, tornAt: offset < bytes.length && !isRoom ? offset : null }
}

function readFrameHeader(bytes: Buffer, offset: number) {
  const header = bytes.subarray(offset, offset + 48)
  if (header.length < 48 || header.toString('latin1', 0, 4) !== 'ckvF') return null
  const u32 = (at: number): number => header.readUInt32LE(at)
  if (seededCrc(bytes, offset, header.subarray(8)) !== u32(4)) return null
  const what = { type: TYPES[header[8]!], codec: header[9]!, flags: header.readUInt16LE(10) }
  const size = { storedLength: u32(12), rawLength: u32(16), count: u32(20), firstSequence: u64(header, 24) }
  return { ...what, ...size, syncedOffset: u64(header, 32), previousCrc: u32(40), payloadCrc: u32(44), crc: u32(4) }
}

function isVouchedFor(bytes: Buffer, bad: number): boolean {
  for (let at = bad; (at = bytes.indexOf('ckvF', at + 1)) >= 0;) {
    const header = readFrameHeader(bytes, at)
    if (header && (header.type === 'seal' || header.syncedOffset > bad)) return true
  }
  return false
}

async function readPayload({ type, codec, flags, rawLength, count }: FrameHeader, stored: Buffer, owner: Owner) {
  demand(type && flags === 0, 'unknown type, flag or reserved bit')
  const size = NUMBERS[type]
  if (size) demand(codec === 0 && rawLength === size * 8 && count === 0, 'not as its type demands')
  else demand(rawLength <= 0x7e000000 && count > 0 && count <= rawLength / 4, 'impossible length or count')
  const payload = await unfold(codec, stored, rawLength, owner)
  demand(payload.length === rawLength, 'another length than the raw length')
  if (!size) return { records: await readRecords(payload, count, owner) }
  const numbers = Array.from({ length: size }, (_, i) => u64(payload, i * 8))
  demand(numbers.every(Number.isSafeInteger), 'a u64 above 2^53 - 1')
  return { numbers }
}

/** LZ4 and Zstandard are opened as envelopes with 4 bytes of rawLen, which demand of them what frames do. */
async function unfold(codec: number, stored: Buffer, rawLength: number, owner: Owner): Promise<Buffer> {
  if (codec === 0) return stored
  const decode = owner.decoders?.[codec]
  if (decode) return decode(stored)
  demand(codec === 2 || (codec === 1 && stored.readUInt32LE(0) === rawLength), 'unknown codec, or another LZ4 length')
  const payload = codec === 1 ? stored.subarray(4) : stored
  const trailer = Buffer.concat([littleEndian(rawLength, 4), Buffer.of(0x18 | codec)])
  const envelope = Buffer.concat([payload, littleEndian(crc32c(payload, trailer), 4), trailer])
  return (await readEnvelope(envelope, null, false)).value
}

async function readRecords(payload: Buffer, count: number, owner: Owner) {
  const records = []
  let at = 0
  const take = (length: number): Buffer => payload.subarray(at, (at += length))
  const varint = (unit = 1): number => {
    const byte = take(1).readUInt8()
    demand(byte < 128 || unit < 128 ** 4, 'a varint of more than five bytes')
    return (byte & 127) * unit + (byte < 128 ? 0 : varint(unit * 128))
  }
  while (at < payload.length) {
    const [kind, flags] = [KINDS[take(1).readUInt8()], take(1).readUInt8()]
    const [keyLength, valueLength] = [varint(), varint()]
    demand(kind && flags <= 7 && (kind === 'put' || (flags & 3) === 0), 'unknown kind or flag')
    demand(kind !== 'delete' || valueLength === 0, 'a delete with a value')
    const expiresAt = flags & 2 ? take(6).readUIntLE(0, 6) : null
    const [key, stored] = [take(keyLength), take(valueLength)]
    const opened = flags & 1 ? await readEnvelope(stored, owner.guard ?? null, false) : { codec: 0, value: stored }
    const value = opened.codec > 2 ? await unfold(opened.codec, opened.value, 0, owner) : opened.value
    const common = { kind, key, expiresAt, envelope: flags & 1 ? stored : null, more: (flags & 4) !== 0 }
    records.push({ ...common, value: kind === 'delete' ? null : value })
  }
  demand(at === payload.length && records.length === count, 'records that end elsewhere, or not as many')
  demand(!records.at(-1)?.more, 'a batch without an end')
  return records
}

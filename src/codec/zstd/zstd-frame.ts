import { corruption } from '../../errors.js'
import { MAX_BLOCK_BYTES } from '../zstd-format/zstd-codes.js'

/** What the headers of a Zstandard frame say. */
interface FrameShape {
  /** The decoded size, if the frame states it. */
  readonly contentSize: number | undefined
  /** The frame cannot unfold to more bytes than this. */
  readonly outputBound: number
  /** Memory that a streaming decoder allocates before it decodes, in bytes. */
  readonly windowBytes: number
}

export const ZSTD_MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)

const BLOCK_RAW = 0
const BLOCK_RLE = 1
const BLOCK_COMPRESSED = 2

/**
 * Walks the headers of one frame (RFC 8878, 3.1.1) without decoding it:
 *
 *     magic 4 | descriptor 1 | [window 1] | [dictionary id 0..4] | [content size 0..8] | blocks | [checksum 4]
 *     block: 3-byte header (last:1, type:2, size:21), content
 *
 * @throws LEVEL_CORRUPTION if the bytes are not exactly one whole frame
 */
export function measureFrame(frame: Uint8Array): FrameShape {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (frame.length < 6 || ZSTD_MAGIC.some((byte, i) => frame[i] !== byte)) throw corruption('no Zstandard frame')

  const descriptor = frame[4]!
  if (descriptor & 0b1000) throw corruption('reserved bit in a Zstandard frame')
  const singleSegment = (descriptor & 0b10_0000) !== 0
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 0b11]!
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!
  const headerEnd = 5 + (singleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes
  if (headerEnd > frame.length) throw corruption('Zstandard frame cut in its header')

  const contentSize = readContentSize(view, headerEnd - contentSizeBytes, contentSizeBytes)
  const windowBytes = singleSegment ? contentSize! : readWindow(frame[5]!)

  let outputBound = 0
  let at = headerEnd
  for (let last = false; !last;) {
    if (at + 3 > frame.length) throw corruption('Zstandard frame cut between blocks')
    const header = frame[at]! | (frame[at + 1]! << 8) | (frame[at + 2]! << 16)
    last = (header & 1) !== 0
    const type = (header >>> 1) & 0b11
    const size = header >>> 3
    if (size > MAX_BLOCK_BYTES) throw corruption('Zstandard block above its limit')
    if (type === BLOCK_COMPRESSED) outputBound += MAX_BLOCK_BYTES
    else if (type === BLOCK_RAW || type === BLOCK_RLE) outputBound += size
    else throw corruption('reserved Zstandard block type')
    at += 3 + (type === BLOCK_RLE ? 1 : size)
  }
  if (descriptor & 0b100) at += 4
  if (at !== frame.length) throw corruption('Zstandard frame does not end where its value does')
  return { contentSize, outputBound, windowBytes }
}

function readContentSize(view: DataView, at: number, bytes: number): number | undefined {
  if (bytes === 0) return undefined
  if (bytes === 1) return view.getUint8(at)
  if (bytes === 2) return view.getUint16(at, true) + 256
  if (bytes === 4) return view.getUint32(at, true)
  return Number(view.getBigUint64(at, true))
}

function readWindow(byte: number): number {
  const base = 2 ** (10 + (byte >>> 3))
  return base + (base / 8) * (byte & 0b111)
}

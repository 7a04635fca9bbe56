import { ZSTD_MAGIC } from '../../../src/codec/zstd/zstd-frame.js'

/** A block of a Zstandard frame, RFC 8878, 3.1.1.2: `size` is what its header says, for RLE blocks the decoded size. */
interface Block {
  readonly type: 'raw' | 'rle' | 'compressed' | 'reserved'
  readonly size: number
  readonly content: Uint8Array
}

const TYPES = { raw: 0, rle: 1, compressed: 2, reserved: 3 }

export function rawBlock(content: Uint8Array): Block {
  return { type: 'raw', size: content.length, content }
}

export function rleBlock(size: number, byte = 0x61): Block {
  return { type: 'rle', size, content: Uint8Array.of(byte) }
}

/** Window descriptor for 128 KiB: exponent 7, mantissa 0. */
export const WINDOW_128_KIB = 7 << 3

/**
 * A frame written by hand.
 *
 * @param header what stands between the magic number and the first block
 */
export function frame(header: readonly number[], blocks: readonly Block[], checksum = false): Buffer {
  const parts: Uint8Array[] = [ZSTD_MAGIC, Uint8Array.from(header)]
  for (const [i, { type, size, content }] of blocks.entries()) {
    const last = i === blocks.length - 1 ? 1 : 0
    const word = last | (TYPES[type] << 1) | (size << 3)
    parts.push(Uint8Array.of(word, word >>> 8, word >>> 16), content)
  }
  if (checksum) parts.push(new Uint8Array(4))
  return Buffer.concat(parts)
}

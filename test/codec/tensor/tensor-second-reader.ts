// Reads tensors from docs/format.md alone: it shares no line with the library.
import { decompress } from '@mongodb-js/zstd'
import { uncompressSync } from 'lz4-napi'

const ELEMENT_BYTES = [0, 2, 2, 4, 8, 1]

export async function readTensorPayload(payload: Buffer, rawLen: number): Promise<Buffer> {
  const size = ELEMENT_BYTES[payload[1]!]!
  const inner = payload[2]!
  const blockElements = 2 ** payload[3]!
  const used = payload.readUInt32LE(4)
  const elements = Math.floor(used / size)
  const blocks = Math.ceil(elements / blockElements)
  const value = Buffer.alloc(rawLen)
  let at = Math.ceil((8 + 4 * size * blocks) / 8) * 8
  for (let plane = 0; plane < size; plane++) {
    for (let block = 0; block < blocks; block++) {
      const entry = payload.readUInt32LE(8 + 4 * (plane * blocks + block))
      const count = Math.min(blockElements, elements - block * blockElements)
      const argument = entry & 0x3fffffff
      const mode = entry >>> 30
      const length = [count, 0, argument][mode]!
      const stored = payload.subarray(at, at + length)
      at += length
      const bytes = mode === 1 ? Buffer.alloc(count, argument) : mode === 0 ? stored : await unfold(inner, stored)
      for (let e = 0; e < count; e++) value[(block * blockElements + e) * size + plane] = bytes[e]!
    }
  }
  payload.copy(value, elements * size, at)
  return value
}

async function unfold(inner: number, stored: Buffer): Promise<Buffer> {
  return inner === 1 ? uncompressSync(stored) : decompress(stored)
}

import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import type { AsyncZstd, SyncZstd } from './zstd-engine.js'

/** The part of node:zlib that came with Node.js 22.15. */
interface NodeZstd {
  zstdCompressSync(data: Uint8Array, options: object): Buffer
  zstdDecompressSync(data: Uint8Array, options: object): Buffer
  zstdCompress: (data: Uint8Array, options: object, done: (error: Error | null, result: Buffer) => void) => void
  zstdDecompress: (data: Uint8Array, options: object, done: (error: Error | null, result: Buffer) => void) => void
  constants: { ZSTD_c_compressionLevel: number }
}

/** node:zlib's own Zstandard: undefined before Node.js 22.15. */
export function loadNodeEngine(): (AsyncZstd & SyncZstd) | undefined {
  if (!('zstdCompress' in zlib)) return undefined
  const node = zlib as unknown as NodeZstd
  const compress = promisify(node.zstdCompress)
  const decompress = promisify(node.zstdDecompress)
  const compressOptions = (data: Uint8Array, level: number) => ({
    // One chunk is large enough for any result, so that the stream inside node:zlib takes only one step.
    chunkSize: Math.max(64, data.length + (data.length >> 8) + 64),
    params: { [node.constants.ZSTD_c_compressionLevel]: level }
  })
  return {
    compress: (data, level) => compress(data, compressOptions(data, level)),
    compressSync: (data, level) => node.zstdCompressSync(data, compressOptions(data, level)),
    decompress: (data, rawLength) => decompress(data, decompressOptions(rawLength)),
    decompressSync: (data, rawLength) => node.zstdDecompressSync(data, decompressOptions(rawLength))
  }
}

function decompressOptions(rawLength: number) {
  return { chunkSize: Math.max(64, rawLength), maxOutputLength: Math.max(1, rawLength) }
}

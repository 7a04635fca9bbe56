import { type Codec, type CodecName, lz4, none, zstd } from 'compressed-kv'
import { cut } from '../documents/pieces.js'
import { inFlight } from '../harness/in-flight.js'
import { megabytesPerSecond } from '../harness/number-text.js'
import type { Payload } from './payload.js'

/** How many bytes a log compresses at once by default. */
const BLOCK_BYTES = 64 * 1024
/** How many calls run at once, as in a log: one of libuv's four threads is left to reads and writes. */
const IN_FLIGHT = 3

const CODECS: Readonly<Record<CodecName, Codec>> = { none: none(), lz4: lz4(), zstd: zstd() }

/** MB/s of raw bytes. */
export interface CodecRate {
  readonly onThread: number
  readonly offThread: number
  readonly best: number
}

/** Measures the codec alone with `bytes` raw bytes, in blocks: on the calling thread, and on others with several in flight. */
export async function compressionAlone(name: CodecName, payload: Payload, bytes: number): Promise<CodecRate> {
  const codec = CODECS[name]
  const blocks = cut(payload, Math.min(BLOCK_BYTES, payload.bytes.length))
  return bestOf(
    bytes,
    i => codec.compressSync?.(blocks[i % blocks.length]!),
    i => codec.compress(blocks[i % blocks.length]!)
  )
}

/** The same, restoring what the codec has compressed. */
export async function decompressionAlone(name: CodecName, payload: Payload, bytes: number): Promise<CodecRate> {
  const codec = CODECS[name]
  const blocks = await Promise.all(
    cut(payload, BLOCK_BYTES).map(async raw => (name === 'none' ? raw : codec.compress(raw)))
  )
  return bestOf(
    bytes,
    i => codec.decompressSync?.(blocks[i % blocks.length]!, BLOCK_BYTES),
    i => codec.decompress(blocks[i % blocks.length]!, BLOCK_BYTES)
  )
}

async function bestOf(
  bytes: number,
  now: (block: number) => unknown,
  later: (block: number) => Promise<unknown>
): Promise<CodecRate> {
  const blocks = Math.ceil(bytes / BLOCK_BYTES)
  const rate = (start: number) => megabytesPerSecond(blocks * BLOCK_BYTES, performance.now() - start)
  const started = performance.now()
  for (let i = 0; i < blocks; i++) now(i)
  const onThread = rate(started)
  const again = performance.now()
  await inFlight(blocks, IN_FLIGHT, later)
  const offThread = rate(again)
  return { onThread, offThread, best: Math.max(onThread, offThread) }
}

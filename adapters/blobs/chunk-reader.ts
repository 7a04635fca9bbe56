import type { BytesLevel } from './bytes-level.js'
import { corrupt } from './errors.js'
import { chunkKey } from './keys.js'
import { chunkCount, type Manifest } from './manifest.js'

/** The most bytes of one reader's chunks that are being read or wait for the consumer, if that is at least two chunks. */
const MAX_BYTES_AHEAD = 4 * 1024 * 1024

/**
 * The bytes of a blob in `[start, end)`, chunk by chunk, reading ahead. Only chunks that hold some of them are read.
 *
 * @throws LEVEL_CORRUPTION
 */
export async function* readChunks(
  level: BytesLevel,
  manifest: Manifest,
  start: number,
  end: number
): AsyncGenerator<Buffer, void> {
  const { chunkBytes } = manifest.stat
  const window = Math.max(2, Math.floor(MAX_BYTES_AHEAD / chunkBytes))
  const last = start < end ? Math.ceil(end / chunkBytes) : 0
  const reads: Promise<Buffer>[] = []
  let next = Math.floor(start / chunkBytes)
  try {
    for (let number = next; number < last; number++) {
      for (; next < last && reads.length < window; next++) {
        const read = readChunk(level, manifest, next)
        read.catch(() => {}) // Awaited later, perhaps after it has failed.
        reads.push(read)
      }
      const chunk = await reads.shift()!
      const at = number * chunkBytes
      yield chunk.subarray(Math.max(0, start - at), Math.min(chunk.length, end - at))
    }
  } finally {
    await Promise.allSettled(reads) // When this has returned, the chunks may be deleted.
  }
}

async function readChunk(level: BytesLevel, manifest: Manifest, number: number): Promise<Buffer> {
  const { generation, stat } = manifest
  const { key, length, chunkBytes } = stat
  const chunk = await level.get(chunkKey(generation, number))
  const expected = Math.min(chunkBytes, length - number * chunkBytes)
  if (chunk?.length === expected) return chunk
  const what = chunk === undefined ? 'is missing' : `has ${chunk.length} bytes, not ${expected}`
  throw corrupt(key, `chunk ${number} of ${chunkCount(stat)} ${what}`)
}

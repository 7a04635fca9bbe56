import { isUint8Array } from 'node:util/types'
import { type Codec, CODEC_ID } from '../../codec/codec.js'
import { compressOffThread } from '../../codec/off-thread.js'
import { codecForReading } from '../../codec/registry.js'
import { checkedRaw, restoreOffThread, restoreSync, restoreTransient } from '../../codec/restore.js'
import type { FrameHeader } from './frame-header.js'

/** A frame's payload as it is stored. */
export interface StoredPayload {
  readonly codecId: number
  readonly bytes: Uint8Array
}

/** The compressed form is kept only if it is this much smaller: restoring it costs time at every read. */
const MIN_SAVING = 0.1

/**
 * Shorter payloads are compressed and restored on the calling thread: the trip to another costs about 50 µs, what LZ4 takes for
 * 16 KiB.
 */
export const OFF_THREAD_BYTES = 16 * 1024

/** LZ4 restores this much in 40 µs, less than a trip to another thread takes: this makes a scan a tenth faster. */
const LZ4_HERE_BYTES = 64 * 1024

/** What errors call a payload that cannot be restored. */
const FRAME = 'a frame of the log whose checksums hold'

/**
 * Compresses a payload, at once or on another thread, then as a promise. What the codec fails to compress is stored raw.
 *
 * @param raw may be overwritten with the compressed payload
 */
export function storePayload(raw: Buffer, codec: Codec): StoredPayload | Promise<StoredPayload> {
  if (codec.id === CODEC_ID.none || raw.length === 0) return uncompressed(raw)
  const here = codec.compressSync !== undefined && raw.length < OFF_THREAD_BYTES
  return here ? storePayloadSync(raw, codec) : storeOffThread(raw, codec)
}

/** Compresses a payload on the calling thread, with a codec that has `compressSync`; otherwise as {@link storePayload}. */
export function storePayloadSync(raw: Buffer, codec: Codec): StoredPayload {
  try {
    const transient = codec.transient?.compress(raw)
    if (transient === undefined) return smaller(raw, codec, codec.compressSync!(raw))
    const { codecId, bytes } = smaller(raw, codec, transient)
    raw.set(bytes) // With new memory for each frame, V8 collects garbage half as often again.
    return { codecId, bytes: raw.subarray(0, bytes.length) }
  } catch {
    return uncompressed(raw)
  }
}

export function uncompressed(raw: Buffer): StoredPayload {
  return { codecId: CODEC_ID.none, bytes: raw }
}

async function storeOffThread(raw: Buffer, codec: Codec): Promise<StoredPayload> {
  try {
    return smaller(raw, codec, await compressOffThread(codec, raw))
  } catch {
    return uncompressed(raw)
  }
}

function smaller(raw: Buffer, codec: Codec, compressed: Uint8Array): StoredPayload {
  const pays = isUint8Array(compressed) && compressed.length <= raw.length * (1 - MIN_SAVING)
  return pays ? { codecId: codec.id, bytes: compressed } : uncompressed(raw)
}

/**
 * The raw payload of a frame whose CRCs hold. If it is not compressed, it is a view of `stored`.
 *
 * @param hereBytes up to this many raw bytes are restored on the calling thread, if the codec can; by default, as long as that is faster
 * @throws LEVEL_CORRUPTION, LEVEL_NOT_SUPPORTED for an unknown codec
 */
export function restorePayload(
  { codecId, rawLength }: FrameHeader,
  stored: Buffer,
  hereBytes = codecId === CODEC_ID.lz4 ? LZ4_HERE_BYTES : OFF_THREAD_BYTES - 1
): Buffer | Promise<Buffer> {
  if (codecId === CODEC_ID.none) return checkedRaw(stored, rawLength, FRAME)
  const codec = codecForReading(codecId)
  const here = codec.decompressSync !== undefined && rawLength <= hereBytes
  return here ? restoreSync(codec, stored, rawLength, FRAME) : restoreOffThread(codec, stored, rawLength, FRAME)
}

/** Size of the memory for {@link restorePayloadInto}. */
export const SCRATCH_BYTES = 64 * 1024

/** Whether a frame can be restored into scratch memory. */
export function fitsScratch({ codecId, rawLength }: FrameHeader): boolean {
  return codecId !== CODEC_ID.none && rawLength <= SCRATCH_BYTES && codecForReading(codecId).transient !== undefined
}

/**
 * Restores a payload into scratch memory, for a caller that needs it no longer when it restores the next: then reading a whole log leaves no garbage.
 *
 * @returns a view of `scratch`; undefined where the codec cannot do it after all
 */
export function restorePayloadInto(
  scratch: Buffer,
  { codecId, rawLength }: FrameHeader,
  stored: Buffer
): Buffer | undefined {
  const restored = restoreTransient(codecForReading(codecId), stored, rawLength, FRAME)
  // Copied out of the codec's own memory, which its next call overwrites, whoever makes it.
  return restored && scratch.subarray(0, restored.copy(scratch))
}

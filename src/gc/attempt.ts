import { isUint8Array } from 'node:util/types'
import type { Codec } from '../codec/codec.js'
import { compressOffThread } from '../codec/off-thread.js'
import { type GcDecision, MIN_SAVING, type StoredValue } from './policy.js'

/** Shorter values are compressed on the calling thread: the trip to another takes longer. */
const MIN_OFF_THREAD_BYTES = 4 * 1024
/** Longer values never are: at level 19, this many bytes hold that thread for 14 ms. */
const MAX_ON_THREAD_BYTES = 32 * 1024
/** Setting up this much memory on another thread takes about as long as compressing a byte here. */
const MEMORY_PER_BYTE = 1024

/** Tries a codec on a value, and keeps the result if it saves enough. Short values are tried at once, others off the main thread. */
export function attempt(value: StoredValue, codec: Codec): GcDecision | Promise<GcDecision> {
  const raw = value.raw()
  const isShort = isUint8Array(raw) && raw.length < offThreadBytes(codec)
  if (isShort && codec.compressSync !== undefined) return judged(value, codec, codec.compressSync(raw))
  return attemptOffThread(value, codec, raw)
}

function offThreadBytes({ workingBytes = 0 }: Codec): number {
  return Math.min(Math.max(workingBytes / MEMORY_PER_BYTE, MIN_OFF_THREAD_BYTES), MAX_ON_THREAD_BYTES)
}

async function attemptOffThread(
  value: StoredValue,
  codec: Codec,
  restored: Buffer | Promise<Buffer>
): Promise<GcDecision> {
  const raw = await restored
  return judged(value, codec, await compressOffThread(codec, raw))
}

function judged({ storedLength }: StoredValue, codec: Codec, compressed: Uint8Array): GcDecision {
  const pays = compressed.length <= storedLength * (1 - MIN_SAVING)
  return pays ? { action: 'recompress', codec, compressed } : { action: 'probed', codec }
}

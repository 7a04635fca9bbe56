import { isUint8Array } from 'node:util/types'
import type { Codec } from '../codec/codec.js'
import { compressOffThread } from '../codec/compress-off-thread.js'
import { type GcDecision, MIN_SAVING, type StoredValue } from './policy.js'

/** Shorter values are compressed on the calling thread: the trip to another takes longer. */
const OFF_THREAD_BYTES = 4 * 1024

/** Tries a codec on a value, and keeps the result if it saves enough. Short values are tried at once, others off the main thread. */
export function attempt(value: StoredValue, codec: Codec): GcDecision | Promise<GcDecision> {
  const raw = value.raw()
  const isShort = isUint8Array(raw) && raw.length < OFF_THREAD_BYTES
  if (isShort && codec.compressSync !== undefined) return judged(value, codec, codec.compressSync(raw))
  return attemptOffThread(value, codec, raw)
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

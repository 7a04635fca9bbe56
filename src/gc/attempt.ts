import type { Codec } from '../codec/codec.js'
import { compressing } from '../codec/off-thread.js'
import type { GcDecision, StoredValue } from './policy.js'

/** A compressed form is kept if it is this much smaller than what is stored. */
const MIN_SAVING = 0.1
/** Shorter values are compressed on the calling thread: the trip to another takes longer. */
const OFF_THREAD_BYTES = 4 * 1024

/** Tries a codec on a value, and keeps the result if it saves enough. */
export async function attempt(value: StoredValue, codec: Codec): Promise<GcDecision> {
  const raw = await value.raw()
  const compressed = await compress(codec, raw)
  const pays = compressed.length <= value.storedLength * (1 - MIN_SAVING)
  return pays ? { action: 'recompress', codec, compressed } : { action: 'probed', codec }
}

async function compress(codec: Codec, raw: Buffer): Promise<Uint8Array> {
  if (codec.compressSync !== undefined && raw.length < OFF_THREAD_BYTES) return codec.compressSync(raw)
  return compressing(2 * raw.length + (codec.workingBytes ?? 0), () => codec.compress(raw))
}

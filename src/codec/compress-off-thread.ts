import type { Codec } from './codec.js'
import { compressing } from './off-thread.js'

/**
 * Compresses off the main thread, within the bounds of `off-thread.ts`. Each call counts there with the length of the data, as much again for the
 * result, and the codec's `workingBytes`.
 */
export function compressOffThread(codec: Codec, raw: Uint8Array): Promise<Uint8Array> {
  return compressing(2 * raw.length + (codec.workingBytes ?? 0), () => codec.compress(raw))
}

import { recognizedEnvelope } from '../envelope/recognized-envelope.js'
import type { AnyLevel } from './backend/any-level.js'
import { asBuffer, AS_BYTES, KEY_AS_BYTES } from './backend/as-bytes.js'
import { MARKER_KEY } from './marker.js'

/** How many values are looked at: enough to find an envelope among plain values, and among values that are too short to have a checksum. */
const SAMPLE_ENTRIES = 256
const SAMPLE_BYTES = 1024 * 1024

/**
 * Whether a database without a marker has values that a store wrote. A store would take them for plain values all the same: it hands out what was in the
 * database before it was wrapped, whatever that looks like.
 */
export async function isMarkerLost(backend: AnyLevel): Promise<boolean> {
  const options = { limit: SAMPLE_ENTRIES, ...AS_BYTES, fillCache: false }
  let bytes = 0
  try {
    for await (const [key, stored] of backend.iterator<Buffer, Uint8Array>(options as object)) {
      bytes += stored.length
      if (bytes > SAMPLE_BYTES) return false
      if (recognizedEnvelope(asBuffer(stored))?.proven) return !(await isInWrappedSublevel(backend, asBuffer(key)))
    }
  } catch {
    // What cannot be read shows nothing. Whoever goes through the entries meets the same error.
  }
  return false
}

/** Whether a key, which is not reserved, is that under which a store over a sublevel keeps its marker. */
export function isMarkerOfSublevel(key: Buffer): boolean {
  return key.subarray(-MARKER_KEY.length).equals(MARKER_KEY)
}

/** Whether a key lies in a sublevel that a store wraps. Such a key begins with the names of sublevels, each between two separators, as in `!a!!b!`. */
async function isInWrappedSublevel(backend: AnyLevel, key: Buffer): Promise<boolean> {
  const separator = key[0]!
  let end = 0
  while (end < key.length && key[end] === separator) {
    end = key.indexOf(separator, end + 1) + 1
    if (end === 0) return false
    if (await backend.has(Buffer.concat([key.subarray(0, end), MARKER_KEY]), KEY_AS_BYTES)) return true
  }
  return false
}

import { recognizedEnvelope } from '../envelope/recognized-envelope.js'
import type { AnyLevel } from './backend/any-level.js'
import { asBuffer, AS_BYTES } from './backend/as-bytes.js'

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
    for await (const [, stored] of backend.iterator<Buffer, Uint8Array>(options as object)) {
      bytes += stored.length
      if (bytes > SAMPLE_BYTES) return false
      if (recognizedEnvelope(asBuffer(stored))?.proven) return true
    }
  } catch {
    // What cannot be read shows nothing. Whoever goes through the entries meets the same error.
  }
  return false
}

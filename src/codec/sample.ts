import { bitsPerByte } from './entropy.js'

/** What a few hundred bytes of a value show. */
interface Sample {
  /** Estimate of the order-0 entropy of all bytes, 0 to 8. Divided by 8: the share of the value that an entropy coder alone leaves. */
  readonly bitsPerByte: number
  /** Share of the sampled four-byte sequences that occur earlier in the sample, 0 to 1: what a match finder can use. */
  readonly repeats: number
}

/** A value is sampled in this many places, with this many bytes at each: enough for repeats of bytes at another place. */
const RUNS = 16
const RUN_BYTES = 32
const SAMPLE_BYTES = RUNS * RUN_BYTES
/** In a shorter value the places would overlap, and bytes that are seen twice would count as a repeat. */
export const MIN_SAMPLED_BYTES = 2 * SAMPLE_BYTES

const SEQUENCE_BYTES = 4
const SLOT_BITS = 11

/** Memory that every call uses anew. */
const counts = new Uint16Array(256)
/** The last sequence with each hash. A sequence that was overwritten by another is not found again, which is rare in a sample of this size. */
const slots = new Int32Array(2 ** SLOT_BITS)

/**
 * Looks at 512 bytes spread over a value, which takes 1 to 2 µs. It misses most repeats that are far apart.
 *
 * @param value at least {@link MIN_SAMPLED_BYTES} bytes
 */
export function sample(value: Uint8Array): Sample {
  counts.fill(0)
  slots.fill(0)
  let repeated = 0
  for (let run = 0; run < RUNS; run++) {
    const from = spreadOver(value.length - RUN_BYTES + 1, run)
    let sequence = 0
    for (let i = 0; i < RUN_BYTES; i++) {
      const byte = value[from + i]!
      counts[byte]!++
      sequence = (sequence >>> 8) | (byte << 24)
      if (i < SEQUENCE_BYTES - 1) continue
      const slot = Math.imul(sequence, 0x9e3779b1) >>> (32 - SLOT_BITS)
      if (slots[slot] === sequence) repeated++
      else slots[slot] = sequence
    }
  }
  const sequences = RUNS * (RUN_BYTES - SEQUENCE_BYTES + 1)
  return { bitsPerByte: bitsPerByte(counts, SAMPLE_BYTES) + smallSampleBias(), repeats: repeated / sequences }
}

/**
 * How much too low the entropy of a small sample is on average, since it shows fewer byte values than there are (Miller, Note on the bias of
 * information estimates, 1955).
 */
function smallSampleBias(): number {
  let distinct = 0
  for (let byte = 0; byte < 256; byte++) if (counts[byte] !== 0) distinct++
  return (distinct - 1) / (2 * SAMPLE_BYTES * Math.LN2)
}

const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/**
 * Place number `i` of any number of places from 0 to `length` - 1. Places are multiples of the golden ratio, modulo 1: spread evenly, but not at regular
 * distances. At equal distances, all samples could fall on the same token of every sequence, and mantissas would look compressible.
 */
export function spreadOver(length: number, i: number): number {
  return Math.floor(((i * GOLDEN_RATIO) % 1) * length)
}

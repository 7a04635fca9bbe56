import { bitsPerByte } from '../entropy.js'
import { spreadOver } from '../sample.js'

/** A plane is sampled in this many places, with this many bytes at each. */
const RUNS = 128
const RUN_BYTES = 16

/**
 * Planes with more order-0 entropy than this, in bits per byte, are not tried. Mantissas have 7.9 and more, exponents 2 to 4, and the high bytes of
 * fp16 6 to 7. From 7.5 on no entropy coder saves the sixteenth that {@link pays} asks for.
 */
const MAX_BITS_PER_BYTE = 7.5

/** `constant` is only a guess from a sample, which {@link isConstant} has to confirm. */
export type PlaneChoice = 'constant' | 'try' | 'raw'

/**
 * Decides from a sample whether the inner codec is tried on plane `plane` of a block.
 *
 * @param block whole elements of `elementBytes` bytes, at least one
 */
export function choosePlane(block: Uint8Array, elementBytes: number, plane: number): PlaneChoice {
  const elements = block.length / elementBytes
  const run = Math.min(RUN_BYTES, elements)
  const counts = new Uint16Array(256)
  for (let i = 0; i < RUNS; i++) {
    const from = spreadOver(elements - run + 1, i)
    for (let e = from; e < from + run; e++) counts[block[e * elementBytes + plane]!]!++
  }
  const sampled = RUNS * run
  if (counts[block[plane]!] === sampled) return 'constant'
  return bitsPerByte(counts, sampled) <= MAX_BITS_PER_BYTE ? 'try' : 'raw'
}

/** Whether a compressed plane is stored: it has to save a sixteenth, since it takes longer to read than a raw one. */
export function pays(compressedBytes: number, planeBytes: number): boolean {
  return compressedBytes <= planeBytes - planeBytes / 16
}

/** Whether every byte equals the one before it. */
export function isConstant(plane: Uint8Array): boolean {
  return Buffer.compare(plane.subarray(1), plane.subarray(0, -1)) === 0
}

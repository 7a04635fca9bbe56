import type { CompressedKvError } from '../errors.js'
import { GUARD_BYTES, GUARD_LAST, KIND } from './format.js'
import { readTrailer, type Trailer } from './trailer.js'

/** An envelope that is recognized without the store's marker. */
export interface RecognizedEnvelope {
  /** Whether its checksum shows that a store wrote it. Otherwise it only has the form of a short raw value without a checksum. */
  readonly proven: boolean
  readonly trailer: Trailer
  /** The 8 bytes after the envelope, if they have the form of a guard. */
  readonly guard: Buffer | undefined
}

/**
 * Recognizes an envelope by its own bytes, for a database whose marker is lost.
 *
 * @returns undefined for what can only be a plain value, or damaged
 * @throws LEVEL_NOT_SUPPORTED for an intact envelope of a later version
 */
export function recognizedEnvelope(stored: Buffer): RecognizedEnvelope | undefined {
  const end = stored.length - GUARD_BYTES
  const isGuarded = end > 0 && stored[stored.length - 1] === GUARD_LAST
  const trailer = trailerOf(isGuarded ? stored.subarray(0, end) : stored)
  if (trailer === undefined) return undefined
  return {
    proven: trailer.kind !== KIND.rawUnchecked,
    trailer,
    guard: isGuarded ? Buffer.from(stored.subarray(end)) : undefined
  }
}

function trailerOf(envelope: Buffer): Trailer | undefined {
  try {
    return readTrailer(envelope).trailer
  } catch (error) {
    if ((error as CompressedKvError).code === 'LEVEL_CORRUPTION') return undefined
    throw error
  }
}

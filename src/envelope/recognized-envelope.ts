import type { CompressedKvError } from '../errors.js'
import { GUARD_BYTES, GUARD_LAST, KIND } from './format.js'
import { readTrailer, type Trailer } from './trailer.js'

/** An envelope that is recognized without the store's marker. */
export interface RecognizedEnvelope {
  /** Whether its checksum shows that a store wrote it. Otherwise it only has the form of a short raw value without a checksum. */
  readonly proven: boolean
  readonly trailer: Trailer
}

/**
 * Recognizes an envelope by its own bytes, for a database whose marker is lost.
 *
 * @returns undefined for what can only be a plain value, or damaged
 * @throws LEVEL_NOT_SUPPORTED for an intact envelope of a later version
 */
export function recognizedEnvelope(stored: Buffer): RecognizedEnvelope | undefined {
  const envelope = endLikeGuard(stored) === undefined ? stored : stored.subarray(0, -GUARD_BYTES)
  try {
    const { trailer } = readTrailer(envelope)
    return { proven: trailer.kind !== KIND.rawUnchecked, trailer }
  } catch (error) {
    if ((error as CompressedKvError).code === 'LEVEL_CORRUPTION') return undefined
    throw error
  }
}

/** The last 8 bytes, if they have the form of a guard behind an envelope. They share memory with `stored`. */
export function endLikeGuard(stored: Buffer): Buffer | undefined {
  const isLike = stored.length > GUARD_BYTES && stored[stored.length - 1] === GUARD_LAST
  return isLike ? stored.subarray(-GUARD_BYTES) : undefined
}

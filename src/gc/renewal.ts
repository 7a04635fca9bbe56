import { CODEC_ID, type Codec } from '../codec/codec.js'
import { none } from '../codec/none.js'
import { codecForReading } from '../codec/registry.js'
import { type GcDecision, KEEP, MIN_SAVING, type StoredValue } from './policy.js'

/**
 * Moves a small value to the store's dictionary, unless it is compressed with that one already. A value that needs an older dictionary is always
 * moved, so that the older one can be deleted.
 *
 * @param codec compresses raw values, and those of the codecs whose ids are in `replaced`. A value of another codec is moved only away from an older
 *   dictionary, and keeps its codec
 * @returns undefined if the dictionary is not used for this value: then the policy decides as if there were none
 */
export async function renewal(
  value: StoredValue,
  codec: Codec,
  replaced: readonly number[]
): Promise<GcDecision | undefined> {
  const { offer, dictionary, codecId, storedLength } = value
  const moves = dictionary !== undefined && dictionary !== offer?.id
  const isReplaced = codecId === CODEC_ID.none || replaced.includes(codecId)
  if (offer === undefined || !(isReplaced || moves)) return undefined
  const by = isReplaced ? codec : codecForReading(codecId)
  if (dictionary === offer.id && codecId === by.id) return KEEP
  const raw = await value.raw()
  const compressed = offer.compress(by, raw)
  const pays = compressed !== undefined && (moves || compressed.length <= storedLength * (1 - MIN_SAVING))
  if (pays) return { action: 'recompress', codec: by, compressed, dictionary: offer.id }
  return moves ? { action: 'recompress', codec: none(), compressed: raw } : undefined
}

import { trainDictionary } from '../../codec/dictionary/dictionary-training.js'
import { type Sealing, sealRaw, sealWithDictionary } from '../../envelope/seal.js'
import { nextTurn, Turn } from '../../turn.js'
import { Dictionary } from './dictionaries.js'
import type { SampledValue } from './small-value-sample.js'
import type { SmallValues } from './small-values.js'
import { asGiven, LevelDbBlocks } from './stored-size-estimate.js'

/**
 * A dictionary has at most one byte for this many bytes of small values, within the bounds below: a larger one pays only if there is much to store.
 * With 16 KiB movies become 5 % smaller than with 8 KiB, and log lines 11 to 18 %; values are written and read as fast with either.
 */
const BYTES_FOR_A_BYTE = 40
const MIN_TRAINED_BYTES = 2 * 1024
const MAX_TRAINED_BYTES = 16 * 1024

/** The share that a new dictionary must save of what is stored without one; its own bytes count as stored. */
const MIN_GAIN = 0.1
/** The share that it must save of what is stored with the one in use. As long as that one is not worse than before by this share, none is trained. */
const MIN_GAIN_OVER_CURRENT = 0.05

/** How many bytes a sample of small values takes in the backend. */
export interface Judgement {
  /** Length of the values themselves. */
  readonly sampleBytes: number
  /** What they take without a dictionary. */
  readonly rawBytes: number
  /** What they take with the dictionary in use; undefined if there is none. */
  readonly currentBytes: number | undefined
  /**
   * What they take with a new dictionary, its own bytes included. undefined if the values have too little in common for one, or if the one in use
   * is as good as it was and as large as a new one would be.
   */
  readonly candidateBytes: number | undefined
}

/** How well the dictionary in use did when it was last judged. */
export interface Standing {
  /** Bytes with it, divided by bytes without a dictionary. */
  readonly share: number
  /** How large a dictionary could be then. */
  readonly maxBytes: number
}

export interface JudgeContext {
  readonly small: SmallValues
  readonly sealing: Sealing
  readonly overLevelDb: boolean
}

/**
 * Trains a dictionary on a sample, and judges whether to use it, by how many bytes the backend would need for the sample. Since it is judged by the
 * values that it was trained on, it looks better than it is, by its own length at most; so that is added.
 *
 * @param seenBytes length of all values for which the sample stands
 * @param id of the new dictionary
 * @param standing of the dictionary in use, if it was judged before
 * @returns `best`, the dictionary to use from now on: the one in use, a new one, or none; and how well it did
 */
export async function judge(
  sample: readonly SampledValue[],
  seenBytes: number,
  id: number,
  context: JudgeContext,
  standing?: Standing
): Promise<{ best: Dictionary | undefined; judgement: Judgement; standing: Standing | undefined }> {
  const { current } = context.small
  const sampleBytes = sample.reduce((sum, { value }) => sum + value.length, 0)
  const rawBytes = await storedBytes(sample, undefined, context)
  const currentBytes = current && (await storedBytes(sample, current, context))
  const maxBytes = Math.min(Math.max(Math.floor(seenBytes / BYTES_FOR_A_BYTE), MIN_TRAINED_BYTES), MAX_TRAINED_BYTES)
  if (currentBytes !== undefined && standing?.maxBytes === maxBytes) {
    const expected = rawBytes * standing.share * (1 + MIN_GAIN_OVER_CURRENT)
    const judgement = { sampleBytes, rawBytes, currentBytes, candidateBytes: undefined }
    if (currentBytes <= expected) return { best: current, judgement, standing }
  }
  const trained = await trainDictionary(interleaved(sample), maxBytes)
  const rawShare = context.overLevelDb ? Math.min(1, rawBytes / sampleBytes) : 1
  const candidate = trained && new Dictionary({ id, given: false, rawShare, bytes: Buffer.from(trained) })
  // The sample stands for more than itself; the dictionary is stored once.
  const ownBytes = (trained?.length ?? 0) * Math.min(1, sampleBytes / seenBytes)
  const candidateBytes = candidate && (await storedBytes(sample, candidate, context)) + ownBytes

  const judgement = { sampleBytes, rawBytes, currentBytes, candidateBytes }
  const standingAt = (bytes: number): Standing => ({ share: bytes / rawBytes, maxBytes })
  const most = Math.min(rawBytes * (1 - MIN_GAIN), (currentBytes ?? Infinity) * (1 - MIN_GAIN_OVER_CURRENT))
  if (candidate !== undefined && candidateBytes! <= most)
    return { best: candidate, judgement, standing: standingAt(candidateBytes!) }
  if (currentBytes !== undefined && currentBytes <= rawBytes)
    return { best: current, judgement, standing: standingAt(currentBytes) }
  return { best: undefined, judgement, standing: undefined }
}

/** What the backend would need for a sample, in bytes. */
async function storedBytes(
  sample: readonly SampledValue[],
  dictionary: Dictionary | undefined,
  { small, sealing, overLevelDb }: JudgeContext
): Promise<number> {
  const turn = new Turn()
  const estimate = overLevelDb ? new LevelDbBlocks() : asGiven()
  for (const { key, value, codec } of sample) {
    const compressed = dictionary && small.compress(dictionary, codec, value)
    const envelope = compressed && sealWithDictionary(codec.id, compressed, value.length, dictionary.id, sealing)
    estimate.add(key, envelope ?? sealRaw(value, sealing))
    if (turn.isOver) await nextTurn()
  }
  return estimate.bytes()
}

/** Values this far apart go together. */
const STRIDE = 8

/** The values in another order: the trainer judges by the last eighth, which must not consist of neighbours, since these are alike. */
function interleaved(sample: readonly SampledValue[]): Buffer[] {
  const groups: Buffer[][] = Array.from({ length: STRIDE }, () => [])
  for (const [i, { value }] of sample.entries()) groups[i % STRIDE]!.push(value)
  return groups.flat()
}

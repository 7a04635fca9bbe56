import { inTurns, type Steps } from '../steps.js'
import { FIRST_REPEATS, MIN_CONTENT_BYTES, MIN_HEADER_BYTES, writeDictionary } from './dictionary-format.js'
import { DictionaryMatcher } from './dictionary-matcher.js'
import { chooseContent, countRuns, type RunCounts } from './dictionary-segments.js'
import { DictionaryStatistics } from './dictionary-statistics.js'
import { MAX_VALUE_BYTES } from './matcher-functions.js'

/** How many bytes of each sample are used: dictionaries are for small values, and help only at the beginning of larger ones. */
export const MAX_SAMPLE_BYTES = MAX_VALUE_BYTES
/** How many bytes of all samples are used. This bounds the work, which takes about 130 ns for each byte, and the memory, about 8 MiB. */
export const MAX_TRAINING_BYTES = 1024 * 1024

/** The share of the samples, the last ones, by which content that was chosen from the others is judged. */
const JUDGES = 1 / 8
/**
 * Segment lengths that are tried, in bytes. Short segments hold the words that free text repeats, long ones whole records; which is best
 * depends on the data, and matters by up to a third of the compressed size.
 */
const SEGMENT_BYTES = [100, 200, 400, 800, 1600]
const BYTES_PER_STEP = 8 * 1024

/**
 * Makes a Zstandard dictionary from samples: small values of one kind, each of which is to be compressed on its own. The dictionary holds what they
 * have in common, and tables for what will be written with it. Equal samples give equal dictionaries.
 *
 * The event loop runs every few milliseconds; the samples are copied before this returns. If they have more than {@link MAX_TRAINING_BYTES}, some
 * are left out at even distances. Give them in the order in which they were written, or in no order: the last eighth judges what was chosen.
 *
 * @param maxBytes the largest size of the dictionary, 1 KiB to 256 KiB
 * @returns undefined if the samples have too little in common for a dictionary to be of use
 */
export async function trainDictionary(
  samples: readonly Uint8Array[],
  maxBytes: number
): Promise<Uint8Array | undefined> {
  return inTurns(train(gather(samples), maxBytes))
}

/** Samples end to end, and where each ends. */
interface Samples {
  readonly bytes: Uint8Array
  readonly ends: readonly number[]
}

function* train(all: Samples, maxBytes: number): Steps<Uint8Array | undefined> {
  const contentBytes = maxBytes - MIN_HEADER_BYTES
  const judges = Math.ceil(all.ends.length * JUDGES)
  const [teachers, judging] = split(all, all.ends.length - judges)

  let best: { segmentBytes: number; statistics: DictionaryStatistics } | undefined
  const counts = yield* countRuns(teachers.bytes, teachers.ends)
  for (const segmentBytes of SEGMENT_BYTES) {
    const content = yield* contentOf(counts, contentBytes, segmentBytes)
    if (content === undefined) continue
    const statistics = yield* judge(content, judging)
    if (best === undefined || statistics.bits < best.statistics.bits) best = { segmentBytes, statistics }
  }
  if (best === undefined || best.statistics.bits >= judging.bytes.length * 8) return undefined

  // The judges are good content too: the final choice is from all samples.
  const content = yield* contentOf(yield* countRuns(all.bytes, all.ends), contentBytes, best.segmentBytes)
  return content && (yield* writeDictionary(content, best.statistics, maxBytes))
}

function* contentOf(counts: RunCounts, contentBytes: number, segmentBytes: number): Steps<Uint8Array | undefined> {
  const content = yield* chooseContent(counts, contentBytes, segmentBytes)
  return content.length < MIN_CONTENT_BYTES ? undefined : content
}

function* judge(content: Uint8Array, { bytes, ends }: Samples): Steps<DictionaryStatistics> {
  const matcher = yield* DictionaryMatcher.create(content, FIRST_REPEATS)
  const statistics = new DictionaryStatistics()
  let begin = 0
  let sinceStep = 0
  for (const end of ends) {
    statistics.add(matcher.parse(bytes.subarray(begin, end)))
    sinceStep += end - begin
    begin = end
    if (sinceStep < BYTES_PER_STEP) continue
    sinceStep = 0
    yield
  }
  return statistics
}

function gather(samples: readonly Uint8Array[]): Samples {
  const total = samples.reduce((sum, sample) => sum + bytesOf(sample), 0)
  const share = Math.min(1, MAX_TRAINING_BYTES / total)
  const bytes = new Uint8Array(Math.min(total, MAX_TRAINING_BYTES))
  const ends: number[] = []
  let end = 0
  let seen = 0
  for (const sample of samples) {
    seen += bytesOf(sample)
    // A sample is used if the bytes that are used, with it, are not more than their share of the bytes that were seen.
    if (sample.length === 0 || end + bytesOf(sample) > Math.ceil(seen * share)) continue
    bytes.set(sample.subarray(0, MAX_SAMPLE_BYTES), end)
    end += bytesOf(sample)
    ends.push(end)
  }
  return { bytes: bytes.subarray(0, end), ends }
}

function bytesOf(sample: Uint8Array): number {
  return Math.min(sample.length, MAX_SAMPLE_BYTES)
}

function split({ bytes, ends }: Samples, at: number): [Samples, Samples] {
  const middle = at === 0 ? 0 : ends[at - 1]!
  return [
    { bytes: bytes.subarray(0, middle), ends: ends.slice(0, at) },
    { bytes: bytes.subarray(middle), ends: ends.slice(at).map(end => end - middle) }
  ]
}

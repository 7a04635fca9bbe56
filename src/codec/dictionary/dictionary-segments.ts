import type { Steps } from '../steps.js'

/** The length of the runs of bytes that are counted. Shorter runs occur everywhere; longer ones would miss what varies a little. */
const RUN_BYTES = 6
/** Runs are counted by a hash of this many bits: a table of 512 KiB. Frequent runs seldom share a count. */
const HASH_BITS = 17
/** Stands for a run that would reach past its sample's end. */
const NO_RUN = 2 ** HASH_BITS
/** An epoch is at least this many segments long, so that there is something to choose from. */
const MIN_SEGMENTS_PER_EPOCH = 10
/** After this many epochs in a row that gave nothing, the samples are used up. */
const MAX_BARREN_EPOCHS = 10
const BYTES_PER_STEP = 16 * 1024

/** Samples end to end, and how many times each of their runs occurs. */
export interface RunCounts {
  readonly bytes: Uint8Array
  /** The hash of the run that begins at each byte. */
  readonly runs: Uint32Array
  /** By hash: how many times a run occurs after its first time. A run that occurs once is worth nothing. */
  readonly repeats: Uint32Array
}

interface Segment {
  readonly begin: number
  readonly end: number
  readonly score: number
}

/** @param samples the bytes of all samples, end to end; `ends` says where each ends */
export function* countRuns(samples: Uint8Array, ends: readonly number[]): Steps<RunCounts> {
  const runs = new Uint32Array(samples.length)
  const repeats = new Uint32Array(NO_RUN + 1)
  const view = new DataView(samples.buffer, samples.byteOffset, samples.length)
  let begin = 0
  for (let sample = 0, counted = 0; sample < ends.length; sample++) {
    const end = ends[sample]!
    hashRuns(view, begin, end, runs, repeats)
    counted += end - begin
    begin = end
    if (counted < BYTES_PER_STEP) continue
    counted = 0
    yield
  }
  for (let hash = 0; hash < NO_RUN; hash++) if (repeats[hash]! > 0) repeats[hash]!--
  return { bytes: samples, runs, repeats }
}

function hashRuns(view: DataView, begin: number, end: number, runs: Uint32Array, counts: Uint32Array): void {
  const last = end - RUN_BYTES
  for (let at = begin; at < end; at++) {
    if (at > last) {
      runs[at] = NO_RUN
      continue
    }
    const mixed = Math.imul(view.getUint32(at, true), 0x9e3779b1) ^ Math.imul(view.getUint16(at + 4, true), 0x85ebca77)
    const hash = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae3d) >>> (32 - HASH_BITS)
    runs[at] = hash
    counts[hash]!++
  }
}

/**
 * Chooses content for a dictionary, as FastCover does (Liao, Petri, Moffat and Wirth, "Effective Construction of Relative Lempel-Ziv
 * Dictionaries", 2016; Zstandard's default trainer is built on it). The samples are cut into epochs. Each epoch in turn gives the segment whose
 * runs occur most often; the runs of that segment no longer count from then on. The most valuable segments come last, where offsets are short.
 *
 * @returns at most `contentBytes`; less if the samples repeat no more than that
 */
export function* chooseContent(
  { bytes, runs, repeats }: RunCounts,
  contentBytes: number,
  segmentBytes: number
): Steps<Uint8Array> {
  const counts = repeats.slice()
  const inSegment = new Uint16Array(counts.length)
  const wantedEpochs = Math.floor(contentBytes / segmentBytes)
  const mostEpochs = Math.floor(bytes.length / (segmentBytes * MIN_SEGMENTS_PER_EPOCH))
  const epochs = Math.max(1, Math.min(wantedEpochs, mostEpochs))
  const epochBytes = Math.ceil(bytes.length / epochs)

  const chosen: Segment[] = []
  let left = contentBytes
  for (let epoch = 0, barren = 0; left >= RUN_BYTES && barren < MAX_BARREN_EPOCHS; epoch = (epoch + 1) % epochs) {
    const begin = epoch * epochBytes
    const { start, runsCovered, score } = yield* bestSegment(
      runs,
      counts,
      inSegment,
      begin,
      Math.min(begin + epochBytes, bytes.length),
      segmentBytes - RUN_BYTES + 1
    )
    if (score === 0) {
      barren++
      continue
    }
    barren = 0
    for (let at = start; at < start + runsCovered; at++) counts[runs[at]!] = 0
    const end = start + Math.min(runsCovered + RUN_BYTES - 1, left)
    chosen.push({ begin: start, end, score })
    left -= end - start
  }
  chosen.sort((a, b) => a.score - b.score)
  return Buffer.concat(chosen.map(({ begin, end }) => bytes.subarray(begin, end)))
}

interface Best {
  start: number
  runsCovered: number
  score: number
}

/** Slides a window of `windowRuns` runs over an epoch. A run that occurs in the window twice counts once. */
function* bestSegment(
  runs: Uint32Array,
  counts: Uint32Array,
  inWindow: Uint16Array,
  begin: number,
  end: number,
  windowRuns: number
): Steps<Best> {
  const best: Best = { start: begin, runsCovered: 0, score: 0 }
  let start = begin
  let score = 0
  for (let at = begin; at < end;) {
    for (const stop = Math.min(at + BYTES_PER_STEP, end); at < stop; at++) {
      const run = runs[at]!
      if (counts[run]! > 0 && inWindow[run]!++ === 0) score += counts[run]!
      if (at - start === windowRuns) {
        const gone = runs[start++]!
        if (counts[gone]! > 0 && --inWindow[gone]! === 0) score -= counts[gone]!
      }
      if (score > best.score) {
        best.score = score
        best.start = start
        best.runsCovered = at + 1 - start
      }
    }
    yield
  }
  for (let at = start; at < end; at++) inWindow[runs[at]!] = 0
  return best
}

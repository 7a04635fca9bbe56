import type { StoredEntry } from '../../index.js'
import { isExpired } from '../expiry.js'

export interface SampledEntry {
  readonly key: Buffer
  readonly value: Buffer
}

/** Part of a database, and how much of it that is. */
export interface Sample {
  readonly entries: readonly SampledEntry[]
  /** Bytes of keys and values in it, and in the whole database. */
  readonly bytes: number
  readonly totalBytes: number
  readonly totalValues: number
}

/** Neighbours share LevelDB's blocks, so they are taken together; a few hundred blocks hide the seams between runs. */
const RUN_BYTES = 256 * 1024

/**
 * Takes runs of neighbouring entries, evenly spread over the keys, in one pass that measures the whole as well. It takes everything at first,
 * and drops every second run each time that turns out to be too much.
 *
 * @param maxBytes of keys and values to be taken, about
 */
export async function takeSample(entries: AsyncIterable<StoredEntry>, maxBytes: number): Promise<Sample> {
  const runBytes = Math.min(RUN_BYTES, maxBytes / 8)
  let runs: Run[] = []
  let every = 1
  let [totalBytes, totalValues, taken] = [0, 0, 0]
  for await (const entry of entries) {
    const { opened, key } = entry
    if (opened === undefined || isExpired(opened.expiresAt)) continue
    const at = Math.floor(totalBytes / runBytes)
    totalBytes += key.length + opened.rawLength
    totalValues++
    if (at % every !== 0) continue
    let run = runs.at(-1)
    if (run?.at !== at) runs.push((run = { at, bytes: 0, entries: [] }))
    run.entries.push({ key, value: await entry.value() })
    run.bytes += key.length + opened.rawLength
    taken += key.length + opened.rawLength
    if (taken <= maxBytes) continue
    every *= 2
    runs = runs.filter(({ at: place }) => place % every === 0)
    taken = runs.reduce((bytes, { bytes: more }) => bytes + more, 0)
  }
  return { entries: runs.flatMap(run => run.entries), bytes: taken, totalBytes, totalValues }
}

/** Consecutive entries, `at` in units of a run's size from the start. */
interface Run {
  readonly at: number
  bytes: number
  readonly entries: SampledEntry[]
}

import type { StoredEntry } from '../../index.js'
import { isExpired } from '../expiry.js'

export interface SampledEntry {
  readonly key: Buffer
  readonly value: Buffer
}

/** A part of a database, and how much of it that is. */
export interface Sample {
  readonly entries: readonly SampledEntry[]
  /** Bytes of keys and values in it, and in the whole database. */
  readonly bytes: number
  readonly totalBytes: number
  readonly totalValues: number
}

/**
 * The size of a run of entries. Neighbours share LevelDB's blocks, and so are taken together. In runs of this size, blocks in which the end of one
 * run meets the beginning of the next hardly matter.
 */
const RUN_BYTES = 256 * 1024

/**
 * Takes runs of neighbouring entries, evenly spread over the keys, in one pass that measures the whole database as well. At first every run is
 * taken; each time that turns out to be too much, every second run is dropped again.
 *
 * @param maxBytes about how many bytes of keys and values to take
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

/** Consecutive entries. `at` says where they begin, counted in runs from the first entry. */
interface Run {
  readonly at: number
  bytes: number
  readonly entries: SampledEntry[]
}

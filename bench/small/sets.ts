import { corpusSets } from '../documents/corpus.js'
import type { DocumentSet } from '../documents/document.js'
import { jsonRecords } from '../documents/json-records.js'

/** What RocksDB takes with Zstandard blocks and a trained dictionary of 16 KiB: bytes on disk over bytes of the values. */
const ROCKSDB: Readonly<Record<string, number>> = {
  'movies.jsonl': 0.365,
  'earthquakes.jsonl': 0.161,
  'districts.jsonl': 0.443,
  'OpenStack.log': 0.155
}

/** The most bytes on disk, over those of bare classic-level. */
const BARS: Readonly<Record<string, number>> = {
  'movies.jsonl': 0.72,
  'earthquakes.jsonl': 0.72,
  'OpenStack.log': 0.72,
  'districts.jsonl': 1.03,
  'HDFS.log': 1.03
}

export interface SmallSet extends DocumentSet {
  readonly rocksDb: number | undefined
  readonly bar: number | undefined
}

/** Small documents: the lines of the corpus' files, or JSON records of node_modules. */
export function smallSets(corpus: string | undefined): SmallSet[] {
  const sets = corpus === undefined ? [jsonRecords()] : corpusSets(corpus).filter(({ kind }) => kind === 'text')
  return sets.map(set => ({ ...set, rocksDb: ROCKSDB[set.name], bar: BARS[set.name] }))
}

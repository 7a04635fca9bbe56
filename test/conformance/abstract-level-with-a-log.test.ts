import { expect, it } from 'vitest'
import type { WalOptions } from '../../src/wal/options.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import {
  type Backend,
  cached,
  type Codec,
  failuresOver,
  inLevelDb,
  inMemory,
  inSublevel,
  type Options,
  TIMEOUT_MS
} from './suite.js'

/** Segments so small that they are rolled, deleted and, over memory-level, replaced by snapshots. */
function tinyLog(): WalOptions {
  return { dir: temporaryDirectory(), fsync: 'os', blockBytes: 1024, segmentBytes: 1300, meter: false }
}

/** Each write is flushed by itself, or with the few that came while the one before was; or after some. */
const tinyTable = { flushBytes: 1, maxBytes: 4000, flushIntervalMs: 1 }
const smallTable = { flushBytes: 2000, maxBytes: 8000, flushIntervalMs: 1 }

/** Of values that the suite writes: with it every value is tried. */
const dictionary = Buffer.from('foo bar value 0123456789 undefined null true [object Object] {"thing":2} batch-test')

const logged: [string, Codec, Backend, Options][] = [
  ['memory-level', 'zstd', inMemory, { ...cached, dictionary }],
  ['classic-level', 'lz4', inLevelDb, cached],
  ['a sublevel', 'none', inSublevel, {}]
]

const writeBack: [string, Codec, Backend, Options][] = [
  ['memory-level', 'lz4', inMemory, { memtable: tinyTable, ...cached }],
  ['memory-level', 'zstd', inMemory, { memtable: smallTable, dictionary }],
  ['classic-level', 'zstd', inLevelDb, { memtable: tinyTable }],
  ['a sublevel', 'none', inSublevel, { memtable: smallTable, ...cached }]
]

it.each(logged)(
  'the abstract-level suite over %s with a log passes with %s',
  { timeout: TIMEOUT_MS },
  async (_, codec, backend, more) => {
    const optionsOf = () => ({ codec, wal: tinyLog(), memtable: false as const, ...more })
    expect(await failuresOver(backend, optionsOf)).toEqual([])
  }
)

it.each(writeBack)(
  'the abstract-level suite over %s with a log and a MemTable passes with %s',
  { timeout: TIMEOUT_MS },
  async (_, codec, backend, more) => {
    expect(await failuresOver(backend, () => ({ codec, wal: tinyLog(), ...more }))).toEqual([])
  }
)

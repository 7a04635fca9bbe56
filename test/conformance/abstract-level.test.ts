import { createRequire } from 'node:module'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import tape from 'tape'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore, type CompressedKvStoreOptions } from '../../src/index.js'
import { encodeMarker, MARKER_KEY, newMarker } from '../../src/store/marker.js'
import type { Wrappable } from '../../src/store/any-level.js'
import type { WalOptions } from '../../src/wal/options.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const suite = createRequire(import.meta.url)('abstract-level/test') as (options: object) => void

interface Result {
  ok: boolean
  name: string
  expected: unknown
  actual: unknown
}

/** Runs abstract-level's own suite, whose tests are written for tape, and returns its assertions. */
function runSuite(factory: (options?: object) => Wrappable<string, string>): Promise<Result[]> {
  return new Promise(resolve => {
    const harness = tape.createHarness()
    const results: Result[] = []
    let current = ''
    harness
      .createStream({ objectMode: true })
      .on('data', (row: { type: string; name: string } & Result) => {
        if (row.type === 'test') current = row.name
        if (row.type === 'assert') results.push({ ...row, name: `${current}: ${row.name}` })
      })
      .on('end', () => resolve(results))
    suite({ test: harness, factory })
  })
}

/** A backend that held plain values when it was wrapped, and lost them since: its marker asks for guards. */
class OnceFilled extends MemoryLevel {
  #filled = false

  async _open(): Promise<void> {
    if (this.#filled) return
    this.#filled = true
    const marker = encodeMarker(newMarker(true))
    await (this as unknown as { _put(key: Buffer, value: Buffer): Promise<void> })._put(MARKER_KEY, marker)
  }
}

type Backend = () => Wrappable<string, string>
type Options = CompressedKvStoreOptions<string, string>

const inMemory: Backend = () => new MemoryLevel({ storeEncoding: 'buffer' })
const inLevelDb: Backend = () => new Level(temporaryDirectory())
const inSublevel: Backend = () => new MemoryLevel().sublevel('wrapped', {})

const codecs = ['none', 'lz4', 'zstd'] as const
type Codec = (typeof codecs)[number]

/** Segments so small that they are rolled, deleted and, over memory-level, replaced by snapshots. */
function tinyLog(): WalOptions {
  return { dir: temporaryDirectory(), fsync: 'os', blockBytes: 1024, segmentBytes: 1300, meter: false }
}

/** Each write is flushed by itself, or with the few that came while the one before was; or after some. */
const tinyTable = { flushBytes: 1, maxBytes: 4000, flushIntervalMs: 1 }
const smallTable = { flushBytes: 2000, maxBytes: 8000, flushIntervalMs: 1 }

// The suite's values are tiny: the machinery has to be forced.
const forced = { minSize: 0, minSaving: 0 }
const cached = { cacheBytes: 1 << 20 }

/** Backend, codec, and how. LevelDB takes the longest by far, so it gets the fewest. */
const writeThrough: [string, Backend, readonly Codec[]][] = [
  ['memory-level (buffer)', inMemory, codecs],
  ['memory-level (view)', () => new MemoryLevel({ storeEncoding: 'view' }), ['none', 'lz4']],
  ['memory-level that was filled before (guarded)', () => new OnceFilled({ storeEncoding: 'buffer' }), ['lz4', 'zstd']],
  ['classic-level', inLevelDb, ['none', 'zstd']],
  ['a sublevel', inSublevel, ['lz4', 'zstd']]
]

const logged: [string, Codec, Backend, Options][] = [
  ['memory-level', 'zstd', inMemory, cached],
  ['classic-level', 'lz4', inLevelDb, cached],
  ['a sublevel', 'none', inSublevel, {}]
]

const writeBack: [string, Codec, Backend, Options][] = [
  ['memory-level', 'lz4', inMemory, { memtable: tinyTable, ...cached }],
  ['memory-level', 'zstd', inMemory, { memtable: smallTable }],
  ['classic-level', 'zstd', inLevelDb, { memtable: tinyTable }],
  ['a sublevel', 'none', inSublevel, { memtable: smallTable, ...cached }]
]

/** The names of the suite's assertions that fail. */
async function failuresOver(backend: Backend, optionsOf: () => Options): Promise<string[]> {
  const results = await runSuite(options => new CompressedKvStore(backend(), { ...options, ...forced, ...optionsOf() }))
  if (results.length <= 3000) throw new Error(`The suite made ${results.length} assertions only`)
  return results.filter(result => !result.ok).map(({ name }) => name)
}

const TIMEOUT_MS = 300_000

describe.each(writeThrough)('the abstract-level suite over %s', (_, backend, uses) => {
  it.each(uses)('passes with %s', { timeout: TIMEOUT_MS }, async codec => {
    expect(await failuresOver(backend, () => ({ codec, wal: false, ...cached }))).toEqual([])
  })
})

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

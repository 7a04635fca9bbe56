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

const backends: Record<string, () => Wrappable<string, string>> = {
  'memory-level (buffer)': () => new MemoryLevel({ storeEncoding: 'buffer' }),
  'memory-level (view)': () => new MemoryLevel({ storeEncoding: 'view' }),
  'memory-level that was filled before (guarded)': () => new OnceFilled({ storeEncoding: 'buffer' }),
  'classic-level': () => new Level(temporaryDirectory()),
  'a sublevel': () => new MemoryLevel().sublevel('wrapped', {})
}

/** The same with a log, and segments so small that they are rolled, deleted and, over memory-level, replaced by snapshots. */
const logged = [
  ['memory-level', 'none', () => new MemoryLevel({ storeEncoding: 'buffer' })],
  ['memory-level', 'zstd', () => new MemoryLevel({ storeEncoding: 'buffer' })],
  ['classic-level', 'lz4', () => new Level(temporaryDirectory())]
] as const

function tinyLog(): WalOptions {
  return { dir: temporaryDirectory(), fsync: 'os', blockBytes: 1024, segmentBytes: 1300, meter: false }
}

// The suite's values are tiny: the machinery has to be forced.
const forced = { minSize: 0, minSaving: 0, cacheBytes: 1 << 20 }

describe.each(Object.entries(backends))('abstract-level suite over %s', (_, backend) => {
  it.each(['none', 'lz4', 'zstd'] as const)(
    'passes with %s',
    async codec => {
      const results = await runSuite(options => {
        const store: CompressedKvStoreOptions<string, string> = { ...options, ...forced, codec }
        return new CompressedKvStore(backend(), store)
      })
      expect(results.filter(result => !result.ok).map(r => r.name)).toEqual([])
      expect(results.length).toBeGreaterThan(3000)
    },
    300_000
  )
})

it.each(logged)(
  'abstract-level suite over %s with a log passes with %s',
  async (_, codec, backend) => {
    const results = await runSuite(options => {
      const store: CompressedKvStoreOptions<string, string> = { ...options, ...forced, codec, wal: tinyLog() }
      return new CompressedKvStore(backend(), store)
    })
    expect(results.filter(result => !result.ok).map(r => r.name)).toEqual([])
    expect(results.length).toBeGreaterThan(3000)
  },
  300_000
)

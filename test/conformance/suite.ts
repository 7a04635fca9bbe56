import { createRequire } from 'node:module'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import tape from 'tape'
import { CompressedKvStore, type CompressedKvStoreOptions } from '../../src/index.js'
import type { Wrappable } from '../../src/store/backend/any-level.js'
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

export type Backend = () => Wrappable<string, string>
export type Options = CompressedKvStoreOptions<string, string>

export const inMemory: Backend = () => new MemoryLevel({ storeEncoding: 'buffer' })
export const inLevelDb: Backend = () => new Level(temporaryDirectory())
export const inSublevel: Backend = () => new MemoryLevel().sublevel('wrapped', {})

export const codecs = ['none', 'lz4', 'zstd'] as const
export type Codec = (typeof codecs)[number]

// The suite's values are tiny: the machinery has to be forced.
const forced = { minSize: 0, minSaving: 0 }
export const cached = { cacheBytes: 1 << 20 }

/** The names of the suite's assertions that fail. */
export async function failuresOver(backend: Backend, optionsOf: () => Options): Promise<string[]> {
  const results = await runSuite(options => new CompressedKvStore(backend(), { ...options, ...forced, ...optionsOf() }))
  if (results.length <= 3000) throw new Error(`The suite made ${results.length} assertions only`)
  return results.filter(result => !result.ok).map(({ name }) => name)
}

/** For a suite that never ends: on a busy disk thousands of fsyncs take many minutes. */
export const TIMEOUT_MS = 1_800_000

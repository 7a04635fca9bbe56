import * as fc from 'fast-check'
import type { CompressedKvStoreOptions } from '../../src/index.js'
import type { MemTableOptions } from '../../src/store/options/memtable-options.js'
import { noise } from '../support/sample-values.js'
import { deflate } from '../support/user-codecs.js'
import type { Range } from './model.js'

/** A value by how to make it, so that a counterexample prints short. */
interface ValueSpec {
  readonly kind: 'text' | 'noise'
  readonly size: number
  readonly seed: number
}

export interface Write {
  readonly type: 'put' | 'del'
  readonly key: string
  readonly value: ValueSpec
  readonly codec: 'none' | 'lz4' | 'zstd' | 'deflate' | undefined
  /** Far away: what matters is that there is one. */
  readonly ttl: number | undefined
}

export type Op =
  | { readonly op: 'write'; readonly write: Write; readonly await: boolean }
  | { readonly op: 'batch'; readonly writes: readonly Write[]; readonly chained: boolean; readonly await: boolean }
  | { readonly op: 'clear'; readonly range: Range; readonly await: boolean }
  | { readonly op: 'get'; readonly key: string; readonly inSnapshot: boolean }
  | { readonly op: 'has'; readonly key: string; readonly inSnapshot: boolean }
  | { readonly op: 'getMany'; readonly keys: readonly string[]; readonly inSnapshot: boolean }
  | {
      readonly op: 'iterate'
      readonly range: Range
      readonly how: 'all' | 'next' | 'nextv' | 'keys' | 'values'
      readonly size: number
      readonly seek: string | undefined
      readonly inSnapshot: boolean
    }
  | { readonly op: 'snapshot' }
  | { readonly op: 'flush' }
  | { readonly op: 'reopen'; readonly options: StoreSpec }
  /** Where the process can be killed: else nothing. */
  | { readonly op: 'crash'; readonly options: StoreSpec }

/** Options of a store, but for its codec. */
export interface StoreSpec {
  readonly minSize: number
  readonly offThreadSize: number
  readonly cacheBytes: number
  readonly dictionary: Buffer | false
  /** Of a store with a log; others have none. */
  readonly memtable: false | MemTableOptions
}

export type CodecOption = NonNullable<CompressedKvStoreOptions<string, Buffer>['codec']>

export const codecOptions: Record<string, CodecOption> = {
  none: 'none',
  lz4: 'lz4',
  zstd: 'zstd',
  mixed: [
    { prefix: 'a', codec: 'zstd' },
    { prefix: 'b', codec: deflate },
    { prefix: 'c', codec: 'none' }
  ]
}

const key = fc.constantFrom('a', 'a!', 'ab', 'b', 'b~', 'c', 'c0', 'd', 'de', 'e')

const size = fc.oneof(
  { weight: 4, arbitrary: fc.nat(60) },
  { weight: 3, arbitrary: fc.integer({ min: 400, max: 3000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 100 * 1024 }) }
)

const value: fc.Arbitrary<ValueSpec> = fc.record({
  kind: fc.constantFrom('text' as const, 'text' as const, 'noise' as const),
  size,
  seed: fc.integer({ min: 1, max: 1000 })
})

const write: fc.Arbitrary<Write> = fc.record({
  type: fc.constantFrom('put' as const, 'put' as const, 'put' as const, 'del' as const),
  key,
  value,
  codec: fc.option(fc.constantFrom('none' as const, 'lz4' as const, 'zstd' as const, 'deflate' as const), {
    nil: undefined,
    freq: 5
  }),
  ttl: fc.option(fc.constant(1_000_000_000), { nil: undefined, freq: 20 })
})

const range: fc.Arbitrary<Range> = fc.record(
  { gt: key, gte: key, lt: key, lte: key, reverse: fc.boolean(), limit: fc.integer({ min: -1, max: 6 }) },
  { requiredKeys: [] }
)

/** None; one that flushes all the time, and makes writers wait; one that keeps all until it is told or closed. */
const memtable: fc.Arbitrary<StoreSpec['memtable']> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(false as const) },
  {
    weight: 3,
    arbitrary: fc.record({
      flushBytes: fc.constantFrom(1, 200, 600),
      maxBytes: fc.constantFrom(1, 2048, 6000),
      flushIntervalMs: fc.constant(1)
    })
  },
  { weight: 1, arbitrary: fc.constant({}) }
)

/** Of what {@link bytesOf} makes. */
const DICTIONARY = Buffer.from('1: a line that is repeated until the value is long enough\n')

export const storeSpec: fc.Arbitrary<StoreSpec> = fc.record({
  memtable,
  minSize: fc.constantFrom(0, 1024),
  dictionary: fc.constantFrom(false as const, DICTIONARY, Buffer.concat([Buffer.from('another'), DICTIONARY])),
  offThreadSize: fc.constantFrom(0, 1000, 64 * 1024),
  cacheBytes: fc.constantFrom(0, 10_000, 1_000_000)
})

const wait = fc.boolean()
const inSnapshot = fc.boolean()

export const operations: fc.Arbitrary<Op[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ op: fc.constant('write' as const), write, await: wait }) },
    {
      weight: 3,
      arbitrary: fc.record({
        op: fc.constant('batch' as const),
        writes: fc.array(write, { minLength: 1, maxLength: 5 }),
        chained: fc.boolean(),
        await: wait
      })
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const), range, await: wait }) },
    { weight: 4, arbitrary: fc.record({ op: fc.constantFrom('get' as const, 'has' as const), key, inSnapshot }) },
    {
      weight: 1,
      arbitrary: fc.record({ op: fc.constant('getMany' as const), keys: fc.array(key, { maxLength: 6 }), inSnapshot })
    },
    {
      weight: 4,
      arbitrary: fc.record({
        op: fc.constant('iterate' as const),
        range,
        how: fc.constantFrom('all' as const, 'next' as const, 'nextv' as const, 'keys' as const, 'values' as const),
        size: fc.integer({ min: 1, max: 4 }),
        seek: fc.option(key, { nil: undefined, freq: 3 }),
        inSnapshot
      })
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('snapshot' as const, 'flush' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ op: fc.constantFrom('reopen' as const, 'crash' as const), options: storeSpec })
    }
  ),
  { minLength: 1, maxLength: 40 }
)

export function bytesOf({ kind, size: length, seed }: ValueSpec): Buffer {
  if (kind === 'noise') return noise(length, seed)
  return Buffer.alloc(length, `${seed}: a line that is repeated until the value is long enough\n`)
}

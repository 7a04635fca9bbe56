// oxlint-disable vitest/expect-expect -- `@ts-expect-error` asserts that something is refused
import type { AbstractDatabaseOptions, AbstractLevel } from 'abstract-level'
import type {
  CodecStats,
  CompressedKvStore,
  CompressedKvStoreOptions,
  DictionaryJudgement,
  DictionaryStats,
  NoDictionaryReason,
  RawReason,
  StoreEvents,
  StoreStats
} from 'compressed-kv'
import type { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expectTypeOf, it } from 'vitest'

interface User {
  name: string
}

type Store = CompressedKvStore<number, User>
declare const db: Store

describe('what the store has beside abstract-level', () => {
  it('calls of the backend, typed by the keys of the store', () => {
    type Range = [start: number, end: number, options?: { keyEncoding?: string } | undefined]
    expectTypeOf<Store['compactRange']>().parameters.toEqualTypeOf<Range>()
    expectTypeOf(db.compactRange(1, 2)).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.compactRange(1, 2, { keyEncoding: 'json' })).toEqualTypeOf<Promise<void>>()
    expectTypeOf<Store['approximateSize']>().parameters.toEqualTypeOf<Range>()
    expectTypeOf(db.approximateSize(1, 2)).toEqualTypeOf<Promise<number>>()
    expectTypeOf(db.getProperty('leveldb.stats')).toEqualTypeOf<string>()
    expectTypeOf(db.location).toEqualTypeOf<string | undefined>()
  })

  it('events, whose listeners know what they get', () => {
    db.on('flush', event => expectTypeOf(event).toEqualTypeOf<StoreEvents['flush']>())
    db.once('walTruncated', ({ keptIn }) => expectTypeOf(keptIn).toEqualTypeOf<string>())
    db.on('flushError', ({ error }) => expectTypeOf(error).toEqualTypeOf<unknown>())
    // @ts-expect-error a flush has entries and ms
    db.on('flush', event => event.bytes)
    db.on('put', (_key, value) => expectTypeOf(value).toBeAny()) // abstract-level's own have no types.
    const either = db as unknown as CompressedKvStore<number, User> | Level<number, User>
    expectTypeOf(either.on('open', () => {})).toExtend<typeof either>()
  })

  it('flush, sync and the usual life cycle', () => {
    expectTypeOf(db.flush()).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.sync()).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.close()).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.status).toEqualTypeOf<'opening' | 'open' | 'closing' | 'closed'>()
    expectTypeOf(db.backend).toExtend<Pick<AbstractLevel<unknown>, 'status' | 'supports'>>()
  })

  it('refuses keys of another type, and what it cannot change', () => {
    // @ts-expect-error Keys are numbers.
    void db.compactRange('a', 'b')
    // @ts-expect-error Keys are numbers.
    void db.approximateSize('a', 'b')
    // @ts-expect-error Properties have names.
    db.getProperty(1)
    // @ts-expect-error The backend decides.
    db.location = 'elsewhere'
    // @ts-expect-error A store keeps its backend.
    db.backend = new MemoryLevel()
  })

  it('fits an interface that an application writes for itself', () => {
    interface Users {
      get(id: number): Promise<User | undefined>
      put(id: number, user: User): Promise<void>
      del(id: number): Promise<void>
      batch(operations: { type: 'put'; key: number; value: User }[]): Promise<void>
      iterator(options: { gte: number; limit: number }): AsyncIterable<[number, User]>
    }
    expectTypeOf(db).toExtend<Users>()
    expectTypeOf<CompressedKvStore>().not.toExtend<Users>()
  })
})

describe('stats', () => {
  it('of dictionaries have types of their own', () => {
    expectTypeOf<StoreStats['dictionary']>().toEqualTypeOf<DictionaryStats>()
    expectTypeOf<DictionaryStats['unused']>().toEqualTypeOf<NoDictionaryReason | undefined>()
    expectTypeOf<DictionaryStats['lastJudgement']>().toEqualTypeOf<DictionaryJudgement | undefined>()
  })

  it('count by codec and by reason', () => {
    const stats = db.stats()
    expectTypeOf(stats).toEqualTypeOf<StoreStats>()
    expectTypeOf(stats.written.ratio).toEqualTypeOf<number>()
    expectTypeOf(stats.written.byCodec).toEqualTypeOf<Readonly<Record<string, Readonly<CodecStats>>>>()
    expectTypeOf<CodecStats>().toEqualTypeOf<{ values: number; bytesIn: number; bytesStored: number; ratio: number }>()
    expectTypeOf(stats.raw).toEqualTypeOf<Readonly<Record<RawReason, number>>>()
    expectTypeOf<RawReason>().toEqualTypeOf<
      'codecNone' | 'belowMinSize' | 'incompressible' | 'looksIncompressible' | 'codecFailed'
    >()
    expectTypeOf(stats.lastCodecError).toEqualTypeOf<unknown>()
  })

  it('are there for a codec that was used, perhaps', () => {
    expectTypeOf(db.stats().written.byCodec.zstd).toEqualTypeOf<Readonly<CodecStats> | undefined>()
  })

  it('cannot be changed', () => {
    // @ts-expect-error Read only.
    db.stats().written.ratio = 0
    // @ts-expect-error Read only.
    db.stats().raw.codecNone = 0
  })
})

describe('options', () => {
  type Options = CompressedKvStoreOptions<number, User>

  it('may each be left out or undefined', () => {
    expectTypeOf<object>().toExtend<Options>()
    expectTypeOf<{ [Name in keyof Options]: undefined }>().toExtend<Options>()
  })

  it('are of these types', () => {
    type Numbers = 'minSize' | 'minSaving' | 'offThreadSize' | 'maxValueSize' | 'cacheBytes'
    expectTypeOf<Pick<Options, Numbers>>().toEqualTypeOf<{ readonly [Name in Numbers]?: number | undefined }>()
    expectTypeOf<Options['checksum']>().toEqualTypeOf<'auto' | 'always' | undefined>()
    expectTypeOf<Options['dictionary']>().toEqualTypeOf<'auto' | Uint8Array | false | undefined>()
    expectTypeOf<Options['readOnly']>().toEqualTypeOf<boolean | undefined>()
    type Inherited = keyof AbstractDatabaseOptions<number, User>
    expectTypeOf<Pick<Options, Inherited>>().toEqualTypeOf<AbstractDatabaseOptions<number, User>>()
    expectTypeOf<keyof Options>().toEqualTypeOf<
      | Numbers
      | 'codec'
      | 'dictionary'
      | 'checksum'
      | 'readOnly'
      | 'wal'
      | 'memtable'
      | 'gc'
      | 'meter'
      | 'onProgress'
      | Inherited
    >()
  })

  it('are refused with another type or name', () => {
    // @ts-expect-error Bytes are a number.
    expectTypeOf<Options>({ minSize: '1024' })
    // @ts-expect-error Always or where it pays, but not never.
    expectTypeOf<Options>({ checksum: 'never' })
    // @ts-expect-error No such option.
    expectTypeOf<Options>({ compression: true })
    // @ts-expect-error No codec has this name.
    expectTypeOf<Options>({ codec: 'gzip' })
  })
})

// oxlint-disable vitest/expect-expect -- `@ts-expect-error` asserts that something is refused
import type { AbstractChainedBatch, AbstractSublevel } from 'abstract-level'
import { ClassicLevel } from 'classic-level'
import {
  type Codec,
  type CodecName,
  type CodecSelector,
  type CompressedKvStore,
  lz4,
  tensor,
  type WriteOptions,
  zstd
} from 'compressed-kv'
import { MemoryLevel } from 'memory-level'
import { describe, expectTypeOf, it } from 'vitest'

interface User {
  name: string
}

declare const db: CompressedKvStore<string, User>
const user: User = { name: 'Ada' }

describe('put', () => {
  it('takes codec, ttl and sync, beside the options of abstract-level', () => {
    expectTypeOf(db.put('a', user)).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.put('a', user, {})).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.put('a', user, { codec: 'zstd', ttl: 1000, sync: true })).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.put('a', user, { codec: zstd({ level: 9 }) })).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.put('a', user, { codec: undefined, ttl: undefined })).toEqualTypeOf<Promise<void>>()
    const encoded = db.put(Buffer.from('a'), '{}', { keyEncoding: 'buffer', valueEncoding: 'utf8', ttl: 1 })
    expectTypeOf(encoded).toEqualTypeOf<Promise<void>>()
  })

  it('refuses what is no codec, ttl or sync', () => {
    // @ts-expect-error No codec has this name.
    void db.put('a', user, { codec: 'gzip' })
    // @ts-expect-error A name and an id make no codec.
    void db.put('a', user, { codec: { id: 128, name: 'mine' } })
    // @ts-expect-error The factory is not the codec.
    void db.put('a', user, { codec: tensor })
    // @ts-expect-error Milliseconds are a number.
    void db.put('a', user, { ttl: '1000' })
    // @ts-expect-error Not a date either.
    void db.put('a', user, { ttl: new Date() })
    // @ts-expect-error Yes or no.
    void db.put('a', user, { sync: 1 })
    // @ts-expect-error No such option.
    void db.put('a', user, { expires: 1000 })
  })

  it('refuses keys and values of another type, where no encoding is named', () => {
    // @ts-expect-error Keys are strings.
    void db.put(1, user)
    // @ts-expect-error Values are users.
    void db.put('a', 'Ada')
    // @ts-expect-error A value is needed.
    void db.put('a')
  })
})

describe('del and clear', () => {
  it('take sync', () => {
    expectTypeOf(db.del('a')).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.del('a', { sync: true })).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.clear()).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.clear({ gte: 'a', lt: 'b', limit: 10, sync: true })).toEqualTypeOf<Promise<void>>()
  })

  it('refuse what only a value can have', () => {
    // @ts-expect-error Nothing is compressed.
    void db.del('a', { codec: 'zstd' })
    // @ts-expect-error Nothing is left to expire.
    void db.del('a', { ttl: 1000 })
    // @ts-expect-error Nor here.
    void db.clear({ gte: 'a', ttl: 1000 })
    // @ts-expect-error Yes or no.
    void db.clear({ sync: 'yes' })
    // @ts-expect-error Keys are strings.
    void db.del(1)
  })
})

describe('batch', () => {
  it('takes codec, ttl and sync for all operations and for each', () => {
    const operations = [
      { type: 'put', key: 'a', value: user, codec: 'none', ttl: 5 },
      { type: 'put', key: 'b', value: user, codec: lz4(), sync: true },
      { type: 'del', key: 'c', sync: true }
    ] as const
    expectTypeOf(db.batch([...operations])).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.batch([...operations], { codec: 'zstd', ttl: 5, sync: true })).toEqualTypeOf<Promise<void>>()
    expectTypeOf(db.batch([])).toEqualTypeOf<Promise<void>>()
  })

  it('refuses what is no codec, ttl, operation, key or value', () => {
    // @ts-expect-error No codec has this name.
    void db.batch([{ type: 'put', key: 'a', value: user, codec: 'gzip' }])
    // @ts-expect-error Milliseconds are a number.
    void db.batch([{ type: 'put', key: 'a', value: user, ttl: '5' }])
    // @ts-expect-error No codec has this name.
    void db.batch([{ type: 'put', key: 'a', value: user }], { codec: 'gzip' })
    // @ts-expect-error Milliseconds are a number.
    void db.batch([{ type: 'put', key: 'a', value: user }], { ttl: '5' })
    // @ts-expect-error Nothing is left to expire.
    void db.batch([{ type: 'del', key: 'a', ttl: 5 }])
    // @ts-expect-error Nothing is compressed.
    void db.batch([{ type: 'del', key: 'a', codec: 'lz4' }])
    // @ts-expect-error There is no such operation.
    void db.batch([{ type: 'get', key: 'a' }])
    // @ts-expect-error Values are users.
    void db.batch([{ type: 'put', key: 'a', value: 'Ada' }])
    // @ts-expect-error Keys are strings.
    void db.batch([{ type: 'del', key: 1 }])
  })
})

describe('a chained batch', () => {
  it('takes codec and ttl on put, and all three on write', () => {
    const batch = db.batch()
    expectTypeOf(batch).toExtend<AbstractChainedBatch<CompressedKvStore<string, User>, string, User>>()
    expectTypeOf(batch.put('a', user, { codec: 'zstd', ttl: 5 })).toEqualTypeOf(batch)
    expectTypeOf(batch.put('a', user).del('b')).toEqualTypeOf(batch)
    expectTypeOf(batch.write()).toEqualTypeOf<Promise<void>>()
    expectTypeOf(batch.write({ codec: 'lz4', ttl: 5, sync: true })).toEqualTypeOf<Promise<void>>()
  })

  it('refuses what is no codec, ttl, key or value, and sync for one of its operations', () => {
    // @ts-expect-error No codec has this name.
    db.batch().put('a', user, { codec: 'gzip' })
    // @ts-expect-error Milliseconds are a number.
    db.batch().put('a', user, { ttl: '5' })
    // @ts-expect-error All of it is synced, or nothing.
    db.batch().put('a', user, { sync: true })
    // @ts-expect-error Nothing is left to expire.
    db.batch().del('a', { ttl: 5 })
    // @ts-expect-error No codec has this name.
    void db.batch().write({ codec: 'gzip' })
    // @ts-expect-error Values are users.
    db.batch().put('a', 'Ada')
    // @ts-expect-error Keys are strings.
    db.batch().del(1)
  })
})

describe('a sublevel', () => {
  const plain = db.sublevel('plain')
  const users = db.sublevel<number, User>('users', { valueEncoding: 'json' })
  const nested = users.sublevel('nested')

  it('knows its parent and its own types', () => {
    expectTypeOf(plain).toEqualTypeOf<AbstractSublevel<CompressedKvStore<string, User>, Buffer, string, string>>()
    expectTypeOf(users).toEqualTypeOf<AbstractSublevel<CompressedKvStore<string, User>, Buffer, number, User>>()
    expectTypeOf(users.parent).toEqualTypeOf<CompressedKvStore<string, User>>()
    expectTypeOf(nested.parent).toEqualTypeOf(users)
    expectTypeOf(users.get(1)).toEqualTypeOf<Promise<User | undefined>>()
  })

  it('takes the same options as the store', () => {
    expectTypeOf(users.put(1, user, { codec: 'zstd', ttl: 5, sync: true })).toEqualTypeOf<Promise<void>>()
    expectTypeOf(nested.put('a', 'b', { codec: zstd(), ttl: 5 })).toEqualTypeOf<Promise<void>>()
    expectTypeOf(users.del(1, { sync: true })).toEqualTypeOf<Promise<void>>()
    expectTypeOf(users.clear({ sync: true })).toEqualTypeOf<Promise<void>>()
    const batch = users.batch([{ type: 'put', key: 1, value: user, codec: 'lz4', ttl: 5 }], { sync: true })
    expectTypeOf(batch).toEqualTypeOf<Promise<void>>()
    const chained = users.batch().put(1, user, { codec: 'lz4', ttl: 5 })
    expectTypeOf(chained.write({ sync: true })).toEqualTypeOf<Promise<void>>()
  })

  it('refuses the same', () => {
    // @ts-expect-error No codec has this name.
    void users.put(1, user, { codec: 'gzip' })
    // @ts-expect-error Milliseconds are a number.
    void nested.put('a', 'b', { ttl: '5' })
    // @ts-expect-error No codec has this name.
    void users.batch([{ type: 'put', key: 1, value: user, codec: 'gzip' }])
    // @ts-expect-error Milliseconds are a number.
    users.batch().put(1, user, { ttl: '5' })
    // @ts-expect-error Nothing is compressed.
    void users.del(1, { codec: 'zstd' })
    // @ts-expect-error Keys are numbers here.
    void users.put('a', user)
  })

  it('can be named by an operation of its store, beside codec and ttl', () => {
    const put = { type: 'put' as const, key: 'a', value: 'b', sublevel: plain, codec: 'zstd' as const, ttl: 5 }
    expectTypeOf(db.batch<string, string>([put], {})).toEqualTypeOf<Promise<void>>()
    const chained = db.batch().put(1, user, { sublevel: users, codec: 'zstd', ttl: 5 })
    expectTypeOf(chained.write()).toEqualTypeOf<Promise<void>>()
  })
})

describe('the options themselves', () => {
  it('are exported', () => {
    expectTypeOf<WriteOptions['codec']>().toEqualTypeOf<Codec | CodecName | CodecSelector | undefined>()
    expectTypeOf<WriteOptions['ttl']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<WriteOptions['sync']>().toEqualTypeOf<boolean | undefined>()
    expectTypeOf<keyof WriteOptions>().toEqualTypeOf<'codec' | 'ttl' | 'sync' | 'onStored'>()
  })

  it('leave the types of other databases usable', () => {
    const classic = new ClassicLevel('x')
    expectTypeOf(classic.put('a', 'b', { sync: true })).toEqualTypeOf<Promise<void>>()
    expectTypeOf(classic.batch().put('a', 'b').write({ sync: true })).toEqualTypeOf<Promise<void>>()
    const memory = new MemoryLevel()
    expectTypeOf(memory.put('a', 'b', { valueEncoding: 'json' })).toEqualTypeOf<Promise<void>>()
  })
})

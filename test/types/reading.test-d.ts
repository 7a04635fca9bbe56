// oxlint-disable vitest/expect-expect -- `@ts-expect-error` asserts that something is refused
import type { AbstractSnapshot } from 'abstract-level'
import type { CompressedKvStore } from 'compressed-kv'
import { describe, expectTypeOf, it } from 'vitest'

interface User {
  name: string
}

declare const db: CompressedKvStore<number, User>

describe('reading one or many', () => {
  it('gives V, or undefined where there is no such key', () => {
    expectTypeOf(db.get(1)).toEqualTypeOf<Promise<User | undefined>>()
    expectTypeOf(db.getSync(1)).toEqualTypeOf<User | undefined>()
    expectTypeOf(db.getMany([1, 2])).toEqualTypeOf<Promise<(User | undefined)[]>>()
    expectTypeOf(db.has(1)).toEqualTypeOf<Promise<boolean>>()
    expectTypeOf(db.hasMany([1, 2])).toEqualTypeOf<Promise<boolean[]>>()
  })

  it('gives what a call asks for by its type arguments', () => {
    const read = db.get<string, Buffer>('a', { keyEncoding: 'utf8', valueEncoding: 'buffer' })
    expectTypeOf(read).toEqualTypeOf<Promise<Buffer | undefined>>()
    expectTypeOf(db.getSync<number, Buffer>(1, { valueEncoding: 'buffer' })).toEqualTypeOf<Buffer | undefined>()
    const many = db.getMany<number, Buffer>([1], { valueEncoding: 'buffer' })
    expectTypeOf(many).toEqualTypeOf<Promise<(Buffer | undefined)[]>>()
  })

  it('reads from a snapshot', () => {
    const snapshot = db.snapshot()
    expectTypeOf(snapshot).toEqualTypeOf<AbstractSnapshot>()
    expectTypeOf(db.get(1, { snapshot })).toEqualTypeOf<Promise<User | undefined>>()
    expectTypeOf(db.iterator({ snapshot }).all()).toEqualTypeOf<Promise<[number, User][]>>()
  })

  it('refuses keys of another type', () => {
    // @ts-expect-error Keys are numbers.
    void db.get('a')
    // @ts-expect-error Also many of them.
    void db.getMany(['a'])
    // @ts-expect-error And here.
    void db.has('a')
    // @ts-expect-error Reading takes no options of writing.
    void db.get(1, { ttl: 5 })
  })
})

describe('iterators', () => {
  it('give entries, keys and values of the types of the store', () => {
    expectTypeOf(db.iterator().next()).toEqualTypeOf<Promise<[number, User] | undefined>>()
    expectTypeOf(db.iterator({ gte: 1, reverse: true }).nextv(10)).toEqualTypeOf<Promise<[number, User][]>>()
    expectTypeOf(db.iterator().all()).toEqualTypeOf<Promise<[number, User][]>>()
    expectTypeOf(db.keys({ lt: 5, limit: 3 }).all()).toEqualTypeOf<Promise<number[]>>()
    expectTypeOf(db.values().all()).toEqualTypeOf<Promise<User[]>>()
  })

  it('know the store', () => {
    expectTypeOf(db.iterator().db).toEqualTypeOf<CompressedKvStore<number, User>>()
    expectTypeOf(db.keys().db).toEqualTypeOf<CompressedKvStore<number, User>>()
  })

  it('can be looped over', async () => {
    for await (const entry of db.iterator()) expectTypeOf(entry).toEqualTypeOf<[number, User]>()
    for await (const key of db.keys()) expectTypeOf(key).toEqualTypeOf<number>()
    for await (const value of db.values()) expectTypeOf(value).toEqualTypeOf<User>()
  })

  it('give what a call asks for by its type arguments', () => {
    const raw = db.iterator<Buffer, Uint8Array>({ keyEncoding: 'buffer', valueEncoding: 'view' })
    expectTypeOf(raw.next()).toEqualTypeOf<Promise<[Buffer, Uint8Array] | undefined>>()
  })

  it('seek keys of their own type', () => {
    expectTypeOf(db.iterator().seek(1)).toEqualTypeOf<void>()
    // @ts-expect-error Keys are numbers.
    db.iterator().seek('a')
  })
})

import { ClassicLevel } from 'classic-level'
import { type Codec, CompressedKvStore } from 'compressed-kv'
import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expectTypeOf, it } from 'vitest'

interface User {
  name: string
}

/** K and V alone: two stores compared whole differ, if they do, in pages of type errors. */
type TypesOf<T> = T extends CompressedKvStore<infer K, infer V> ? [K, V] : never
declare function typesOf<T>(store: T): TypesOf<T>

/** A custom encoding, as abstract-level takes it. */
const floats = {
  name: 'floats',
  format: 'buffer' as const,
  encode: (data: Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  decode: (data: Buffer) => new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4)
}

describe('K and V are the backend’s', () => {
  it('where the backend is made in place, without type arguments', () => {
    expectTypeOf(typesOf(new CompressedKvStore(new Level('x')))).toEqualTypeOf<[string, string]>()
    expectTypeOf(typesOf(new CompressedKvStore(new MemoryLevel()))).toEqualTypeOf<[string, string]>()
    expectTypeOf(typesOf(new CompressedKvStore(new ClassicLevel('x')))).toEqualTypeOf<[string, string]>()
    const withOptions = new CompressedKvStore(new Level('x'), { codec: 'zstd', minSize: 0 })
    expectTypeOf(typesOf(withOptions)).toEqualTypeOf<[string, string]>()
  })

  it('where the backend is made in place, with type arguments', () => {
    const level = new CompressedKvStore(new Level<string, User>('x', { valueEncoding: 'json' }))
    expectTypeOf(typesOf(level)).toEqualTypeOf<[string, User]>()
    const memory = new CompressedKvStore(new MemoryLevel<Buffer, Uint8Array>({ valueEncoding: 'view' }))
    expectTypeOf(typesOf(memory)).toEqualTypeOf<[Buffer, Uint8Array]>()
    const classic = new CompressedKvStore(new ClassicLevel<number, User>('x'), { codec: 'none' })
    expectTypeOf(typesOf(classic)).toEqualTypeOf<[number, User]>()
  })

  it('where the backend is a variable', () => {
    const level = new Level('x')
    expectTypeOf(typesOf(new CompressedKvStore(level))).toEqualTypeOf<[string, string]>()
    const users: Level<string, User> = new Level('x', { valueEncoding: 'json' })
    expectTypeOf(typesOf(new CompressedKvStore(users))).toEqualTypeOf<[string, User]>()
  })

  it('where the backend is a sublevel', () => {
    const level = new Level('x')
    expectTypeOf(typesOf(new CompressedKvStore(level.sublevel('a')))).toEqualTypeOf<[string, string]>()
    const users = level.sublevel<number, User>('users', { valueEncoding: 'json' })
    expectTypeOf(typesOf(new CompressedKvStore(users))).toEqualTypeOf<[number, User]>()
    const nested = new MemoryLevel().sublevel('a').sublevel<Buffer, User>('b', { keyEncoding: 'buffer' })
    expectTypeOf(typesOf(new CompressedKvStore(nested))).toEqualTypeOf<[Buffer, User]>()
  })

  it('where the backend holds values that may be undefined or null themselves', () => {
    const nullable = new MemoryLevel<string, User | null>({ valueEncoding: 'json' })
    expectTypeOf(typesOf(new CompressedKvStore(nullable))).toEqualTypeOf<[string, User | null]>()
  })
})

describe('options override the encodings of the backend', () => {
  it('with a custom encoding, whose values type the store', () => {
    const store = new CompressedKvStore(new MemoryLevel(), { valueEncoding: floats })
    expectTypeOf(typesOf(store)).toEqualTypeOf<[string, Float32Array]>()
    const below = new MemoryLevel({ valueEncoding: floats })
    expectTypeOf(typesOf(new CompressedKvStore(below))).toEqualTypeOf<[string, Float32Array]>()
  })

  it('with a named encoding, which the type arguments say', () => {
    const level = new Level('x')
    const users = new CompressedKvStore<string, User>(level, { valueEncoding: 'json' })
    expectTypeOf(users.get('a')).resolves.toEqualTypeOf<User | undefined>()
    const binary = new CompressedKvStore<Buffer, User>(level, { keyEncoding: 'buffer', valueEncoding: 'json' })
    expectTypeOf(binary.iterator().next()).resolves.toEqualTypeOf<[Buffer, User] | undefined>()
    const inPlace = new CompressedKvStore<string, User>(new Level('x'), { valueEncoding: 'json' })
    expectTypeOf(inPlace.get('a')).resolves.toEqualTypeOf<User | undefined>()
  })

  it('or else the type arguments must be those of the backend', () => {
    const level = new Level('x')
    // @ts-expect-error The backend's values are strings.
    expectTypeOf(new CompressedKvStore<string, User>(level)).toBeObject()
    // @ts-expect-error They still are.
    expectTypeOf(new CompressedKvStore<string, User>(level, { codec: 'zstd' })).toBeObject()
  })
})

describe('what can be wrapped', () => {
  it('defaults to text where nothing is known', () => {
    expectTypeOf<TypesOf<CompressedKvStore>>().toEqualTypeOf<[string, string]>()
    const annotated: CompressedKvStore = new CompressedKvStore(new Level('x'))
    expectTypeOf(annotated.get('a')).resolves.toEqualTypeOf<string | undefined>()
  })

  it('is an abstract-level database and nothing else', () => {
    // @ts-expect-error A path is no database.
    expectTypeOf(new CompressedKvStore('x')).toBeObject()
    // @ts-expect-error Nor is a Map.
    expectTypeOf(new CompressedKvStore(new Map<string, string>())).toBeObject()
    // @ts-expect-error Nor a codec.
    expectTypeOf(new CompressedKvStore({} as Codec)).toBeObject()
    // @ts-expect-error Something has to be wrapped.
    expectTypeOf(new CompressedKvStore()).toBeObject()
  })
})

// oxlint-disable vitest/expect-expect -- `@ts-expect-error` asserts that something is refused
import {
  adaptive,
  type AdaptiveOptions,
  type Codec,
  CODEC_ID,
  type CodecName,
  type CodecRule,
  type CodecSelector,
  type CompressedKvError,
  CompressedKvStore,
  type CompressedKvStoreOptions,
  type DictionaryCodec,
  type ErrorCode,
  lz4,
  none,
  registerCodec,
  tensor,
  type TensorKeys,
  type WriteOptions,
  zstd,
  ZstdGc
} from 'compressed-kv'
import { MemoryLevel } from 'memory-level'
import { describe, expectTypeOf, it } from 'vitest'

describe('a codec', () => {
  it('makes of a dictionary what has a type of its own', () => {
    expectTypeOf<ReturnType<NonNullable<Codec['withDictionary']>>>().toEqualTypeOf<DictionaryCodec>()
  })

  it('comes from a factory', () => {
    expectTypeOf(none).toEqualTypeOf<() => Codec>()
    expectTypeOf(lz4).toEqualTypeOf<() => Codec>()
    expectTypeOf(zstd).toEqualTypeOf<(options?: { readonly level?: number | undefined }) => Codec>()
    // As everywhere, undefined is not given.
    const [level, codec] = [undefined, undefined] as [number | undefined, 'lz4' | undefined]
    void [zstd({ level }), new ZstdGc({ level }), tensor({ dtype: 'f32', codec }), adaptive({ level })]
    // @ts-expect-error A level is a number.
    zstd({ level: 'high' })
    // @ts-expect-error LZ4 has no levels here.
    lz4({ level: 9 })
  })

  it('has these members, and no others', () => {
    type Always = 'id' | 'name' | 'compress' | 'decompress'
    type Perhaps =
      | 'workingBytes'
      | 'effort'
      | 'load'
      | 'compressSync'
      | 'decompressSync'
      | 'transient'
      | 'withDictionary'
    expectTypeOf<keyof Codec>().toEqualTypeOf<Always | Perhaps>()
    expectTypeOf<Codec['id']>().toEqualTypeOf<number>()
    expectTypeOf<Codec['name']>().toEqualTypeOf<string>()
    expectTypeOf<Codec['effort']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Codec['compress']>().toEqualTypeOf<(data: Uint8Array) => Promise<Uint8Array>>()
    expectTypeOf<Codec['decompress']>().toEqualTypeOf<(data: Uint8Array, rawLength: number) => Promise<Uint8Array>>()
    expectTypeOf<NonNullable<Codec['compressSync']>>().toEqualTypeOf<(data: Uint8Array) => Uint8Array>()
    type Decompress = (data: Uint8Array, rawLength: number) => Uint8Array
    expectTypeOf<NonNullable<Codec['decompressSync']>>().toEqualTypeOf<Decompress>()
    expectTypeOf<Pick<Required<Codec>, Always>>().toEqualTypeOf<Pick<Codec, Always>>()
    expectTypeOf<object>().toExtend<Pick<Codec, Perhaps>>()
  })

  it('cannot be changed', () => {
    // @ts-expect-error Ids are stored with the data.
    lz4().id = 200
    // @ts-expect-error Statistics go by names.
    lz4().name = 'mine'
  })

  it('has a name, if it is built in', () => {
    expectTypeOf<CodecName>().toEqualTypeOf<'lz4' | 'zstd' | 'none'>()
    expectTypeOf<keyof typeof CODEC_ID>().toEqualTypeOf<CodecName | 'tensor'>()
    expectTypeOf(CODEC_ID).toEqualTypeOf<{
      readonly none: 0
      readonly lz4: 1
      readonly zstd: 2
      readonly tensor: 3
    }>()
  })
})

describe('a codec of one’s own', () => {
  const reversed = {
    id: 200,
    name: 'reversed',
    compress: async (data: Uint8Array) => data.toReversed(),
    decompress: async (data: Uint8Array) => data.toReversed()
  }

  it('needs no more than what it must have', () => {
    expectTypeOf(reversed).toExtend<Codec>()
    expectTypeOf(registerCodec(reversed)).toEqualTypeOf<void>()
    expectTypeOf(registerCodec).parameters.toEqualTypeOf<[codec: Codec]>()
    expectTypeOf(new CompressedKvStore(new MemoryLevel(), { codec: reversed })).toBeObject()
  })

  it('is refused by name, or without a part of it', () => {
    const { decompress: _, ...oneWay } = reversed
    // @ts-expect-error What is written has to be read again.
    registerCodec(oneWay)
    // @ts-expect-error A name tells nothing.
    registerCodec('reversed')
    // @ts-expect-error Compression is awaited.
    registerCodec({ ...reversed, compress: (data: Uint8Array) => data })
    // @ts-expect-error Bytes, not text.
    registerCodec({ ...reversed, compress: async (data: string) => Buffer.from(data) })
  })
})

describe('adaptive()', () => {
  it('goes wherever a codec can be named', () => {
    expectTypeOf(adaptive()).toEqualTypeOf<CodecSelector>()
    expectTypeOf<CompressedKvStoreOptions<string, string>>({ codec: adaptive({ level: 9, smallSize: 0 }) })
    expectTypeOf<CodecRule>({ prefix: 'a', codec: adaptive() })
    expectTypeOf<WriteOptions>({ codec: adaptive() })
  })

  it('is told which keys are tensors, of which numbers', () => {
    expectTypeOf<TensorKeys>({ prefix: 'kv:', dtype: 'bf16' })
    expectTypeOf<AdaptiveOptions>({ tensors: [{ sublevel: ['kv', 'f16'], dtype: 'f16', codec: 'lz4' }] })
    // @ts-expect-error Of which numbers?
    expectTypeOf<AdaptiveOptions>({ tensors: [{ prefix: 'kv:' }] })
    // @ts-expect-error A level is a number.
    expectTypeOf<AdaptiveOptions>({ level: 'best' })
  })
})

describe('the choice of codecs', () => {
  type Choice = NonNullable<CompressedKvStoreOptions<string, string>['codec']>

  it('is one codec, rules or a selector', () => {
    expectTypeOf<Choice>().toEqualTypeOf<Codec | CodecName | readonly CodecRule[] | CodecSelector>()
  })

  it('by rules matches a prefix, a sublevel or everything', () => {
    expectTypeOf<CodecRule>().toEqualTypeOf<{
      readonly prefix?: string | Uint8Array | undefined
      readonly sublevel?: string | readonly string[] | undefined
      readonly codec: Codec | CodecName | CodecSelector
    }>()
    const rules = [
      { prefix: 'a', codec: 'lz4' },
      { prefix: Buffer.from('b'), codec: zstd() },
      { sublevel: ['c', 'd'], codec: 'none' },
      { codec: 'zstd' }
    ] as const
    expectTypeOf(rules).toExtend<Choice>()
    // @ts-expect-error A rule names a codec.
    expectTypeOf<CodecRule>({ prefix: 'a' })
    // @ts-expect-error Not by length.
    expectTypeOf<CodecRule>({ minSize: 100, codec: 'lz4' })
    // @ts-expect-error Not by a regular expression.
    expectTypeOf<CodecRule>({ prefix: /^a/, codec: 'lz4' })
  })

  it('by a selector sees the encoded key and value', () => {
    expectTypeOf<Parameters<CodecSelector>>().toEqualTypeOf<[key: Buffer, value: Buffer]>()
    expectTypeOf<ReturnType<CodecSelector>>().toEqualTypeOf<Codec | CodecName>()
    expectTypeOf<CodecSelector['codecs']>().toEqualTypeOf<readonly (Codec | CodecName)[] | undefined>()
    expectTypeOf<Choice>((key, value) => {
      expectTypeOf(key).toEqualTypeOf<Buffer>()
      expectTypeOf(value).toEqualTypeOf<Buffer>()
      return value.length > 4096 ? zstd({ level: 9 }) : 'lz4'
    })
    expectTypeOf((key: Buffer) => (key.length > 9 ? lz4() : none())).toExtend<CodecSelector>()
    // @ts-expect-error There is no waiting for it.
    expectTypeOf<Choice>(async () => 'lz4')
    // @ts-expect-error It has to choose.
    expectTypeOf<Choice>(() => {})
    // @ts-expect-error No codec has this name.
    expectTypeOf<Choice>(() => 'gzip')
  })
})

describe('errors', () => {
  it('carry a code of a known list', () => {
    expectTypeOf<CompressedKvError>().toExtend<Error>()
    expectTypeOf<CompressedKvError['code']>().toEqualTypeOf<ErrorCode>()
    expectTypeOf<'LEVEL_CORRUPTION' | 'CKV_INVALID_OPTION' | 'CKV_VALUE_TOO_LARGE'>().toExtend<ErrorCode>()
    expectTypeOf<string>().not.toExtend<ErrorCode>()
  })
})

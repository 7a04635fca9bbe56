// oxlint-disable vitest/expect-expect -- `@ts-expect-error` asserts that something is refused
import type { CompressedKvStore } from 'compressed-kv'
import { type CachedPrefix, type Pin, type Tensor, TensorCache, type TokenChunk } from 'compressed-kv/tensor-cache'
import { expectTypeOf, it } from 'vitest'

declare const db: CompressedKvStore<string, Buffer>
declare const numbers: CompressedKvStore<number, { a: 1 }>
declare const chunk: TokenChunk
const layout = { model: 'm', layers: 1, shape: [4], seqAxis: 0, maxBytes: 1 } as const

it('takes a store of any key and value type, and a sublevel of one', () => {
  expectTypeOf(new TensorCache(numbers, { ...layout, dtype: 'i8' })).toEqualTypeOf<TensorCache<'i8'>>()
  void new TensorCache(db.sublevel('a'), { ...layout, dtype: 'i8' })
  void new TensorCache(db.sublevel<number, object>('a', { valueEncoding: 'json' }), { ...layout, dtype: 'i8' })
  // @ts-expect-error A map is no store.
  void new TensorCache(new Map<string, Buffer>(), { ...layout, dtype: 'i8' })
})

it('has the typed array of its dtype going in and out', () => {
  const bf16 = new TensorCache(db, { ...layout, dtype: 'bf16' })
  expectTypeOf(bf16.getLayers(chunk)).toEqualTypeOf<Promise<Uint16Array[] | undefined>>()
  expectTypeOf(bf16.getPrefix([1])).toEqualTypeOf<Promise<CachedPrefix<'bf16'> | undefined>>()
  expectTypeOf(bf16.putLayers(chunk, [new Uint16Array(4)])).toEqualTypeOf<Promise<boolean>>()
  expectTypeOf<CachedPrefix<'f32'>['layers']>().toEqualTypeOf<Float32Array[]>()
  expectTypeOf<Tensor<'f64'>['data']>().toEqualTypeOf<Float64Array>()
  expectTypeOf<Tensor<'f16'>['data']>().toEqualTypeOf<Uint16Array>()
  expectTypeOf<Tensor<'i8'>['data']>().toEqualTypeOf<Int8Array>()
  // @ts-expect-error bf16 comes as its bits.
  void bf16.putLayers(chunk, [new Float32Array(4)])
  // @ts-expect-error Nor as bytes.
  void bf16.putTensor('x', { data: new Uint8Array(8), shape: [4] })
})

it('takes token ids as numbers or bigints', () => {
  const cache = new TensorCache(db, { ...layout, dtype: 'f32' })
  expectTypeOf(cache.hasPrefix([1, 2])).toEqualTypeOf<Promise<number>>()
  expectTypeOf(cache.pin(BigInt64Array.of(1n))).toEqualTypeOf<Promise<Pin>>()
  expectTypeOf(cache.chunksOf(Int32Array.of(1))).toEqualTypeOf<TokenChunk[]>()
  // @ts-expect-error Text has to be tokenized first.
  void cache.hasPrefix(['once'])
})

it('refuses options that it does not have', () => {
  // @ts-expect-error No such dtype.
  void new TensorCache(db, { ...layout, dtype: 'fp8' })
  // @ts-expect-error What makes a tensor worth caching is which model made it.
  void new TensorCache(db, { dtype: 'i8', layers: 1, shape: [4], seqAxis: 0, maxBytes: 1 })
  // @ts-expect-error It would be no tensor codec.
  void new TensorCache(db, { ...layout, dtype: 'i8', codec: 'none' })
})

import { CompressedKvStore, type TensorDtype } from 'compressed-kv'
import { TensorCache, type TensorArray } from 'compressed-kv/tensor-cache'
import * as fc from 'fast-check'
import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { layersOf, memoryBackend, memoryStore, type Store, tinyCache, tokens } from './tensors.js'

const open = (directory: string): Store =>
  new CompressedKvStore(new Level<string, Buffer>(directory, { valueEncoding: 'buffer' }))

const bytes = ({ buffer, byteOffset, byteLength }: TensorArray) => Buffer.from(buffer, byteOffset, byteLength)

const ARRAYS = { bf16: Uint16Array, f16: Uint16Array, f32: Float32Array, f64: Float64Array, i8: Int8Array } as const

/** An array over these bytes: numbers that go through JavaScript would lose the payload of a NaN. */
function arrayOf<D extends TensorDtype>(dtype: D, source: Uint8Array): TensorArray<D> {
  return new ARRAYS[dtype](Uint8Array.from(source).buffer) as TensorArray<D>
}

describe('a tensor cache', () => {
  it('gives layers, prefixes and tensors back after a restart', async () => {
    const directory = temporaryDirectory()
    const written = open(directory)
    const cache = tinyCache(written)
    const [chunk] = cache.chunksOf(tokens(4))
    expect(await cache.putLayers(chunk!, layersOf(1))).toBe(true)
    expect(await cache.putPrefix(tokens(12, 100), layersOf(2, 2, 72))).toBe(12)
    expect(await cache.putTensor('image:7', { data: layersOf(3)[0]!, shape: [4, 6] })).toBe(true)
    await written.close()

    const read = open(directory)
    const again = tinyCache(read)
    expect(await again.getLayers(again.chunksOf(tokens(4))[0]!)).toEqual(layersOf(1))
    expect(await again.getPrefix(tokens(12, 100))).toEqual({ tokens: 12, layers: layersOf(2, 2, 72) })
    expect(await again.getTensor('image:7')).toEqual({ data: layersOf(3)[0]!, shape: [4, 6] })
    expect(again.stats()).toMatchObject({ entries: 5, hits: 5, misses: 0, evictions: 0 })
    await read.close()
  })

  it('stores values with the tensor codec, whatever the encodings and the codec of the store are', async () => {
    const backend = new Level<string, object>(temporaryDirectory(), { keyEncoding: 'hex', valueEncoding: 'json' })
    const store = new CompressedKvStore(backend, { codec: 'none' })
    const cache = new TensorCache(store, {
      model: 'm',
      dtype: 'f32',
      layers: 1,
      shape: [100_000],
      seqAxis: 0,
      maxBytes: 1e7
    })
    const data = new Float32Array(100_000).fill(1.5)
    expect(await cache.putPrefix(tokens(100_000), [data])).toBe(100_000)
    expect(store.stats().written.byCodec['tensor-f32']).toMatchObject({ values: 1, bytesIn: 400_000 })
    expect(store.stats().written.byCodec['tensor-f32']!.bytesStored).toBeLessThan(1000)
    expect((await cache.getPrefix(tokens(100_000)))!.layers[0]).toEqual(data)
    await store.close()
  })

  it('keeps to its sublevel, beside another cache in another one', async () => {
    const store = memoryStore()
    const sublevels = [store.sublevel('a'), store.sublevel<string, object>('b', { valueEncoding: 'json' })]
    const [a, b] = sublevels.map(sublevel => new TensorCache(sublevel, OPTIONS))
    await a!.putTensor('x', { data: Int8Array.of(1, 2), shape: [2] })
    await b!.putTensor('x', { data: Int8Array.of(3, 4), shape: [2] })
    expect((await a!.getTensor('x'))!.data).toEqual(Int8Array.of(1, 2))
    expect((await b!.getTensor('x'))!.data).toEqual(Int8Array.of(3, 4))
    expect(a!.stats().entries).toBe(1)
    for (const key of await store.keys().all()) expect(key).toMatch(/^!(a|b)!tensor-cache:1:/)
    await store.close()
  })

  it('keeps nothing of a shape that it was given, or gave', async () => {
    const cache = tinyCache()
    const shape = [4, 6]
    await cache.putTensor('x', { data: layersOf(3)[0]!, shape })
    shape[0] = 7
    for (let n = 0; n < 2; n++) {
      const found = (await cache.getTensor('x'))!
      expect(found.shape).toEqual([4, 6])
      ;(found.shape as number[])[0] = 7
    }
  })

  it('replaces a tensor by one of another shape, and deletes it', async () => {
    const cache = new TensorCache(memoryStore(), OPTIONS)
    await cache.putTensor('x', { data: Int8Array.of(1, 2, 3, 4), shape: [2, 2] })
    await cache.putTensor('x', { data: Int8Array.of(5), shape: [] })
    expect(await cache.getTensor('x')).toEqual({ data: Int8Array.of(5), shape: [] })
    expect(await cache.delTensor('x')).toBe(true)
    expect(await cache.delTensor('x')).toBe(false)
    expect(await cache.getTensor('x')).toBeUndefined()
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0 })
  })

  it('hands out arrays that are the caller’s own', async () => {
    const cache = tinyCache()
    const [chunk] = cache.chunksOf(tokens(4))
    const layers = layersOf(1)
    await cache.putLayers(chunk!, layers)
    layers[0]!.fill(0)
    const got = await cache.getLayers(chunk!)
    got![1]!.fill(0)
    expect(await cache.getLayers(chunk!)).toEqual(layersOf(1))
  })

  it('clears what is of its model, dtype and layout, and nothing else', async () => {
    const store = memoryStore()
    const [one, other] = [tinyCache(store), tinyCache(store, { revision: '2' })]
    for (const cache of [one, other]) {
      await cache.putPrefix(tokens(8), layersOf(1, 2, 48))
      await cache.putTensor('x', { data: layersOf(1)[0]!, shape: [24] })
    }
    await store.put('beside', Buffer.from('kept'))
    await one.clear()
    expect(await one.hasPrefix(tokens(8))).toBe(0)
    expect(await other.hasPrefix(tokens(8))).toBe(8)
    await other.clear()
    expect(await store.keys().all()).toEqual(['beside'])
    expect(one.stats()).toMatchObject({ entries: 0, bytes: 0 })
  })
})

describe('bits', () => {
  it.each(['bf16', 'f16'] as const)('of %s all survive', async dtype => {
    const every = Uint16Array.from({ length: 65536 }, (_, i) => i)
    const cache = new TensorCache(memoryStore(), { ...OPTIONS, dtype, shape: [65536] })
    await cache.putPrefix(tokens(65536), [every])
    expect((await cache.getPrefix(tokens(65536)))!.layers).toEqual([every])
  })

  it('of i8 all survive', async () => {
    const every = Int8Array.from({ length: 256 }, (_, i) => i)
    const cache = new TensorCache(memoryStore(), OPTIONS)
    await cache.putTensor('x', { data: every, shape: [16, 16] })
    expect((await cache.getTensor('x'))!.data).toEqual(every)
  })

  it.each(['f32', 'f64'] as const)('of %s survive for every sign, exponent and kind of mantissa', async dtype => {
    const size = dtype === 'f32' ? 4 : 8
    const source = Buffer.alloc(size * 4096 * 4)
    for (let i = 0; i < 4096 * 4; i++) {
      const mantissa = [0, 1, 0xfffff, 0x80001][i % 4]!
      source.writeUInt32LE((((i >>> 2) << 20) | mantissa) >>> 0, i * size + size - 4)
      if (size === 8) source.writeUInt32LE(mantissa, i * size)
    }
    // Tokens last, so that it is split and merged as well.
    const cache = new TensorCache(memoryStore(), { ...OPTIONS, dtype, shape: [16, 256], seqAxis: 1 })
    await cache.putPrefix(tokens(1024), [arrayOf(dtype, source)])
    expect(bytes((await cache.getPrefix(tokens(1024)))!.layers[0]!).equals(source)).toBe(true)
  })

  it('survive at random, in every dtype', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<TensorDtype>('bf16', 'f16', 'f32', 'f64', 'i8'),
        fc.uint8Array({ minLength: 8, maxLength: 4096 }),
        fc.constantFrom('zstd' as const, 'lz4' as const),
        async (dtype, random, codec) => {
          const source = random.subarray(0, random.length - (random.length % 8))
          const data = arrayOf(dtype, source)
          const cache = new TensorCache(new CompressedKvStore(memoryBackend(), { minSize: 0 }), {
            ...OPTIONS,
            dtype,
            codec
          })
          await cache.putTensor('x', { data, shape: [data.length] })
          expect(bytes((await cache.getTensor('x'))!.data).equals(source)).toBe(true)
        }
      ),
      { numRuns: 100 }
    )
  })
})

const OPTIONS = { model: 'm', dtype: 'i8', layers: 1, shape: [2], seqAxis: 0, maxBytes: 1e8 } as const

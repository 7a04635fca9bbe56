import { CompressedKvStore } from 'compressed-kv'
import { TensorCache } from 'compressed-kv/tensor-cache'
import { describe, expect, it } from 'vitest'
import { bits, LAYOUT, layersOf, memoryBackend, memoryStore, tinyCache, tokens } from './tensors.js'

const MISMATCH = { name: 'CompressedKvError', code: 'CKV_TENSOR_MISMATCH' }
const INVALID = { name: 'CompressedKvError', code: 'CKV_INVALID_OPTION' }

describe('a tensor or chunk that is not of the cache', () => {
  it('is refused, and nothing is stored', async () => {
    const store = memoryStore()
    const cache = tinyCache(store)
    const [chunk] = cache.chunksOf(tokens(4))
    const floats = [new Float32Array(24), new Float32Array(24)] as unknown as Uint16Array[]
    await expect(cache.putLayers(chunk!, floats)).rejects.toMatchObject(MISMATCH)
    await expect(cache.putPrefix(tokens(4), floats)).rejects.toMatchObject(MISMATCH)
    await expect(cache.putLayers(chunk!, layersOf(1, 1))).rejects.toMatchObject(MISMATCH)
    await expect(cache.putLayers(chunk!, layersOf(1, 3))).rejects.toMatchObject(MISMATCH)
    await expect(cache.putLayers(chunk!, layersOf(1, 2, 23))).rejects.toMatchObject(MISMATCH)
    await expect(cache.putLayers(chunk!, layersOf(1, 2, 48))).rejects.toMatchObject(MISMATCH)
    await expect(cache.putPrefix(tokens(8), layersOf(1, 2, 24))).rejects.toMatchObject(MISMATCH)
    await expect(cache.putPrefix(tokens(4), layersOf(1, 2, 25))).rejects.toMatchObject(MISMATCH)
    await expect(cache.putTensor('x', { data: bits(6, 1), shape: [7] })).rejects.toMatchObject(MISMATCH)
    await expect(cache.putTensor('x', { data: bits(6, 1), shape: [-2, -3] })).rejects.toMatchObject(MISMATCH)
    await expect(cache.putTensor('x', { data: floats[0]!, shape: [24] })).rejects.toMatchObject(MISMATCH)
    await expect(cache.putTensor('x', { data: [1] as never, shape: [1] })).rejects.toMatchObject(MISMATCH)
    expect(await store.keys().all()).toEqual([])
  })

  it('is refused as a Float16Array, with how to give its bits', async () => {
    const cache = new TensorCache(memoryStore(), { ...LAYOUT, dtype: 'f16' })
    const data = { constructor: { name: 'Float16Array' } } // Node.js has the real one from 24 on.
    await expect(cache.putTensor('x', { data: data as never, shape: [1] })).rejects.toMatchObject({
      ...MISMATCH,
      message: expect.stringMatching(
        /not as Float16Array: new Uint16Array\(data\.buffer, data\.byteOffset, data\.length\)/
      )
    })
  })

  it('is refused when it is of another model', async () => {
    const store = memoryStore()
    const cache = tinyCache(store)
    const [chunk] = tinyCache(store, { model: 'other' }).chunksOf(tokens(4))
    await expect(cache.putLayers(chunk!, layersOf(1))).rejects.toMatchObject(MISMATCH)
    await expect(cache.getLayers(chunk!)).rejects.toMatchObject(MISMATCH)
  })

  it('is refused when it is read with another shape than it has', async () => {
    const cache = tinyCache()
    await cache.putTensor('x', { data: bits(6, 1), shape: [2, 3] })
    await expect(cache.getTensor('x', { shape: [3, 2] })).rejects.toMatchObject(MISMATCH)
    await expect(cache.getTensor('x', { shape: [6] })).rejects.toMatchObject(MISMATCH)
    expect(await cache.getTensor('x', { shape: [2, 3] })).toEqual({ data: bits(6, 1), shape: [2, 3] })
    await expect(cache.getTensor('x', { shape: 6 as never })).rejects.toMatchObject(MISMATCH)
    const expected = { shape: [2, 3] }
    const found = cache.getTensor('x', expected)
    expected.shape = [3, 2] // For the next call.
    expect(await found).toBeDefined()
  })

  it('is not read if the option shape is misspelt, since it would not be checked', async () => {
    const cache = tinyCache()
    await cache.putTensor('x', { data: bits(6, 1), shape: [2, 3] })
    await expect(cache.getTensor('x', { shap: [3, 2] } as never)).rejects.toMatchObject(INVALID)
    await expect(cache.getTensor('x', null as never)).rejects.toMatchObject(INVALID)
  })

  it('is unpinned only by its pin: anything else is refused, since it would stay pinned', async () => {
    const cache = tinyCache()
    await cache.putPrefix(tokens(4), layersOf(1))
    const pin = cache.pin(tokens(4))
    for (const wrong of [tokens(4), pin, undefined]) {
      expect(() => cache.unpin(wrong as never)).toThrow(expect.objectContaining(INVALID))
    }
    cache.unpin(await pin)
  })

  it('is refused if another program wrote it with another length', async () => {
    const store = memoryStore()
    const cache = tinyCache(store)
    await cache.putPrefix(tokens(4), layersOf(1))
    const [key] = await store.keys({ gte: 'tensor-cache:1:data:', limit: 1 }).all()
    await store.put(key!, Buffer.alloc(7))
    await expect(cache.getPrefix(tokens(4))).rejects.toMatchObject(MISMATCH)
    await expectReplaceable(cache)
  })

  it('that has a name is refused if another program wrote it with another length, and is gone then', async () => {
    const store = memoryStore()
    const cache = tinyCache(store)
    await cache.putTensor('x', { data: bits(6, 1), shape: [6] })
    const [key] = await store.keys({ gte: 'tensor-cache:1:data:', limit: 1 }).all()
    await store.put(key!, Buffer.alloc(7))
    await expect(cache.getTensor('x')).rejects.toMatchObject({
      ...MISMATCH,
      message: expect.stringMatching(/^7 bytes .*: put it again$/)
    })
    expect(await cache.getTensor('x')).toBeUndefined()
  })

  it('is refused when the index says that it has fewer layers', async () => {
    const store = memoryStore()
    const before = tinyCache(store)
    await before.putPrefix(tokens(4), layersOf(1))
    await before.flush()
    const [[key, text]] = (await store.iterator({ gte: 'tensor-cache:1:index:', limit: 1 }).all()) as [[string, Buffer]]
    await store.put(key, Buffer.from(text.toString().replace('"values":2', '"values":1')))
    await store.close()
    await store.open()
    const cache = tinyCache(store)
    await expect(cache.getLayers(cache.chunksOf(tokens(4))[0]!)).rejects.toMatchObject({
      ...MISMATCH,
      message: expect.stringMatching(/^1 layers .*: put them again$/)
    })
    await expectReplaceable(cache)
  })
})

/** What was refused is a miss from then on: it would be an error for good, since what is there is not put again. */
async function expectReplaceable(cache: TensorCache<'bf16'>): Promise<void> {
  expect(await cache.hasPrefix(tokens(4))).toBe(0)
  expect(await cache.putPrefix(tokens(4), layersOf(2))).toBe(4)
  expect((await cache.getPrefix(tokens(4)))!.layers).toEqual(layersOf(2))
}

describe('options', () => {
  it.each([
    { model: '' },
    { model: undefined as never },
    { model: 'x'.repeat(1025) },
    { revision: 1 as never },
    { extra: 'x'.repeat(1025) },
    { dtype: 'fp8' as never },
    { layers: 0 },
    { layers: 65_536 },
    { layers: 1.5 },
    { shape: [] },
    { shape: [2, 0, 3] },
    { shape: [2, 4.5, 3] },
    { shape: [2 ** 30, 2 ** 30, 2] },
    { shape: 24 as never },
    { seqAxis: 3 },
    { seqAxis: -1 },
    { seqAxis: 0.5 },
    { seqAxis: 'length' as never },
    { maxBytes: 0 },
    { maxBytes: 0.5 },
    { maxBytes: undefined as never },
    { codec: 'none' as never }
  ])('are checked: $model$revision$extra$dtype$layers$shape$seqAxis$maxBytes$codec', async wrong => {
    const store = memoryStore()
    expect(() => new TensorCache(store, { ...LAYOUT, ...wrong })).toThrow(expect.objectContaining(INVALID))
    await store.close()
  })

  it('are required', () => {
    expect(() => new TensorCache(memoryStore(), undefined as never)).toThrow(expect.objectContaining(INVALID))
  })

  it.each([
    [[], 'shape must be an array of 1 to 64 integers above 0, not []'],
    [[2, 0], 'shape must be an array of 1 to 64 integers above 0, not [ 2, 0 ]'],
    [
      [2 ** 30, 2 ** 30],
      'shape must be that of a tensor that fits into memory, and [ 1073741824, 1073741824 ] does not'
    ]
  ])('say what is wrong with a shape: %j', (shape, message) => {
    expect(() => new TensorCache(memoryStore(), { ...LAYOUT, shape })).toThrow(message)
  })

  it('must have the same maxBytes in two caches over one store', async () => {
    const store = memoryStore()
    tinyCache(store)
    expect(() => tinyCache(store, { model: 'other', maxBytes: 5 })).toThrow(expect.objectContaining(INVALID))
    expect(() => tinyCache(store.sublevel('a') as never, { maxBytes: 5 })).not.toThrow()
    expect(() => tinyCache(store.sublevel('a') as never, { maxBytes: 6 })).toThrow(expect.objectContaining(INVALID))
    await store.close()
    await store.open()
    expect(() => tinyCache(store, { maxBytes: 5 })).not.toThrow()
  })

  it.each([-1, 0.5, 2 ** 32, Number.NaN, 'a' as never, 2n ** 32n])('refuse %s as a token', async token => {
    const cache = tinyCache()
    expect(() => cache.chunksOf([0, 1, 2, token as number])).toThrow(expect.objectContaining(INVALID))
    await expect(cache.hasPrefix([0, 1, 2, token as number])).rejects.toMatchObject(INVALID)
  })

  it.each([undefined, null, 7, new Set([1, 2, 3, 4]), '1234', [0, 1, 2, null], [0, 1, 2, '3'], [0, 1, 2, true]])(
    'refuse %j for tokens',
    async wrong => {
      const cache = tinyCache()
      await expect(cache.hasPrefix(wrong as never)).rejects.toMatchObject(INVALID)
      await expect(cache.getPrefix(wrong as never)).rejects.toMatchObject(INVALID)
      await expect(cache.putPrefix(wrong as never, layersOf(1))).rejects.toMatchObject(INVALID)
    }
  )

  it('refuse layers that are not a list, and something that is not a tensor', async () => {
    const cache = tinyCache()
    const [chunk] = cache.chunksOf(tokens(4))
    await expect(cache.putPrefix(tokens(4), undefined as never)).rejects.toMatchObject(MISMATCH)
    await expect(cache.putLayers(chunk!, null as never)).rejects.toMatchObject(MISMATCH)
    await expect(cache.putTensor('x', undefined as never)).rejects.toMatchObject(MISMATCH)
    await expect(cache.getLayers(undefined as never)).rejects.toMatchObject(MISMATCH)
  })

  it('refuse a name that would become another one in UTF-8', async () => {
    const cache = tinyCache()
    const tensor = { data: bits(1, 1), shape: [1] }
    await expect(cache.putTensor('x\ud800', tensor)).rejects.toMatchObject(INVALID)
    await expect(cache.getTensor('x\udfff')).rejects.toMatchObject(INVALID)
    await cache.putTensor('x\u{1f600}', tensor)
    expect(await cache.getTensor('x\u{1f600}')).toEqual(tensor)
  })

  it('refuse something that is not a shape, for a tensor that is put or expected, and say so', async () => {
    const cache = tinyCache()
    const integersAbove0 = { ...MISMATCH, message: expect.stringMatching(/integers above 0/) }
    await expect(cache.putTensor('x', { data: bits(0, 1), shape: [0, 3] })).rejects.toMatchObject(integersAbove0)
    await expect(cache.putTensor('x', { data: bits(6, 1), shape: [2n, 3n] as never })).rejects.toMatchObject(
      integersAbove0
    )
    await cache.putTensor('x', { data: bits(6, 1), shape: [2, 3] })
    await expect(cache.getTensor('x', { shape: [3n, 2n] as never })).rejects.toMatchObject(MISMATCH)
  })

  it('refuse a shape of more axes than tensors have', async () => {
    const shape = Array.from({ length: 65 }, () => 1)
    await expect(tinyCache().putTensor('x', { data: bits(1, 1), shape })).rejects.toMatchObject(MISMATCH)
  })

  it('refuse a name that is too long', async () => {
    const tensor = { data: bits(1, 1), shape: [1] }
    await expect(tinyCache().putTensor('x'.repeat(1025), tensor)).rejects.toMatchObject(INVALID)
  })
})

describe('a store that is read-only', () => {
  it('can be read, and refuses writes', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    await tinyCache(store).putPrefix(tokens(4), layersOf(1))
    await tinyCache(store).putTensor('x', { data: bits(6, 1), shape: [6] })
    const { bytes } = tinyCache(store).stats()
    await store.close()

    const cache = tinyCache(new CompressedKvStore(backend, { readOnly: true }), { maxBytes: 500 })
    expect(await cache.hasPrefix(tokens(4))).toBe(4)
    expect(await cache.getPrefix(tokens(4))).toEqual({ tokens: 4, layers: layersOf(1) })
    const refused = { code: 'LEVEL_READONLY' }
    await expect(cache.putTensor('x', { data: bits(6, 2), shape: [6] })).rejects.toMatchObject(refused)
    await expect(cache.flush()).rejects.toMatchObject(refused)
    expect(await cache.getTensor('x')).toEqual({ data: bits(6, 1), shape: [6] })
    expect(cache.stats().bytes).toBeGreaterThanOrEqual(bytes)
  })

  it('misses what is not whole, and what has an index entry that cannot be read', async () => {
    const backend = memoryBackend()
    const store = memoryStore(backend)
    const before = tinyCache(store)
    for (const first of [0, 100, 200]) await before.putPrefix(tokens(4, first), layersOf(first))
    const id = (first: number) => `${before.namespace}:c${before.chunksOf(tokens(4, first))[0]!.hash}`
    await store.del(`tensor-cache:1:data:${id(0)}:0001`)
    await store.put(`tensor-cache:1:index:${id(100)}`, Buffer.from('{'))
    await store.close()

    const cache = tinyCache(new CompressedKvStore(backend, { readOnly: true }))
    for (const first of [0, 100]) expect(await cache.getPrefix(tokens(4, first))).toBeUndefined()
    expect((await cache.getPrefix(tokens(4, 200)))!.layers).toEqual(layersOf(200))
  })
})

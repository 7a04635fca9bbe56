import { describe, expect, it, vi } from 'vitest'
import { type Codec, type DictionaryCodec, registerCodec } from '../../src/index.js'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { deflate, HeldCodec } from '../support/user-codecs.js'

const broken = new Error('the codec is broken')
const VALUE = text(5000)
const LARGE = text(200_000)

/** As deflate, with some functions replaced. */
function flawed(id: number, parts: Partial<Codec>): Codec {
  const codec = { ...deflate, id, name: `flawed ${id}`, ...parts }
  registerCodec(codec)
  return codec
}

const fail = () => {
  throw broken
}
const reject = () => Promise.reject(broken)

/** Stores a value with a codec that works, then puts a broken one in its place. */
async function storedWith(id: number, value: Buffer, parts: Partial<Codec>) {
  const { store } = await openStore({ codec: flawed(id, {}) })
  await store.put('k', value)
  await store.put('l', Buffer.from('intact'))
  flawed(id, parts)
  return store
}

describe('a codec that fails while sealing', () => {
  const failures: [string, Codec, Buffer][] = [
    ['throws at once', flawed(210, { compressSync: fail }), VALUE],
    ['rejects', flawed(211, { compress: reject }), LARGE],
    ['throws instead of rejecting', flawed(212, { compress: fail }), LARGE],
    ['returns no bytes', flawed(213, { compressSync: () => undefined as unknown as Uint8Array }), VALUE],
    ['returns a list of numbers', flawed(214, { compressSync: () => [1, 2, 3] as unknown as Uint8Array }), VALUE],
    ['resolves with a text', flawed(215, { compress: async () => '123' as unknown as Uint8Array }), LARGE]
  ]

  it('with a dictionary, or returns no bytes there: the value is stored raw, counted and told', async () => {
    for (const compressSync of [fail, () => 'no bytes' as unknown as Uint8Array]) {
      const codec = flawed(218, { withDictionary: () => ({ compressSync, decompressSync: fail }) })
      const { store } = await openStore({ codec, dictionary: Buffer.from('of what small values have in common') })
      const told = vi.fn<(event: object) => void>()
      store.on('codecError', told)
      await store.put('k', text(200))
      expect(await store.get('k')).toEqual(text(200))
      const { raw, lastCodecError } = store.stats()
      expect(raw.codecFailed).toBe(1)
      expect(told).toHaveBeenCalledExactlyOnceWith({ codec: codec.name, error: lastCodecError })
      await store.close()
    }
  })

  it.each(failures)('%s: the value is stored raw, counted and told', async (_, codec, value) => {
    const { store } = await openStore({ codec })
    const told = vi.fn<(event: object) => void>()
    store.on('codecError', told)
    await store.put('k', value)
    expect((await store.get('k'))?.equals(value)).toBe(true)
    const { raw, written, lastCodecError } = store.stats()
    expect(raw).toEqual({ codecNone: 0, belowMinSize: 0, incompressible: 0, looksIncompressible: 0, codecFailed: 1 })
    expect(written.byCodec['none']?.values).toBe(1)
    expect(told).toHaveBeenCalledExactlyOnceWith({ codec: codec.name, error: lastCodecError })
    expect(lastCodecError).toBeInstanceOf(Error)
  })

  it('keeps the time to live of the value', async () => {
    const { store } = await openStore({ codec: failures[0]![1] })
    await store.put('k', VALUE, { ttl: 1000 })
    expect((await store.get('k'))?.equals(VALUE)).toBe(true)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2000 })
    expect(await store.get('k')).toBeUndefined()
    vi.useRealTimers()
  })

  it('fails without a listener as quietly', async () => {
    const { store } = await openStore({ codec: failures[1]![1] })
    await store.put('k', LARGE)
    expect(store.stats().raw.codecFailed).toBe(1)
  })

  it('keeps its place in the order', async () => {
    const codec = new HeldCodec()
    const { store } = await openStore({ codec })
    const writes = [store.put('k', LARGE), store.put('k', VALUE), store.put('k', Buffer.from('last'))]
    for (const call of codec.held.splice(0)) call.fail(broken)
    codec.open()
    await Promise.all(writes)
    expect(String(await store.get('k'))).toBe('last')
    expect(store.stats().raw.codecFailed).toBeGreaterThan(0)
  })

  it.each([
    ['at once', failures[0]![1], VALUE],
    ['off the main thread', failures[1]![1], LARGE]
  ])('%s is not made worse by a listener that throws', async (_, codec, value) => {
    const { store } = await openStore({ codec })
    store.on('codecError', () => {
      throw new Error('the listener is broken')
    })
    await store.put('k', value).catch(() => {})
    expect((await store.get('k'))?.equals(value)).toBe(true)
  })
})

describe('a selector that throws', () => {
  it('rejects the put, and nothing sticks', async () => {
    const { store, backend } = await openStore({
      codec: key => {
        if (String(key) === 'bad') throw broken
        return 'lz4'
      }
    })
    await expect(store.put('bad', VALUE)).rejects.toBe(broken)
    await expect(
      store.batch([
        { type: 'put', key: 'good', value: LARGE },
        { type: 'put', key: 'bad', value: VALUE }
      ])
    ).rejects.toBe(broken)
    expect(await backend.keys().all()).toEqual([])
    await store.put('good', VALUE)
    await store.flush()
    expect(await store.keys().all()).toEqual(['good'])
    expect(store.stats().writes).toMatchObject({ calls: 1, pending: 0 })
    await store.close()
  })

  it.each([undefined, null, 'gzip', {}, Promise.resolve('lz4')])('or that answers %s rejects the put', async answer => {
    const { store } = await openStore({ codec: () => answer as 'lz4' })
    await expect(store.put('k', VALUE)).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
    await store.close()
  })
})

describe('a codec that fails while reading', () => {
  const other = new Uint8Array(10)
  /** Of no use but to be stored with. */
  const identity: DictionaryCodec = {
    compressSync: data => deflate.compressSync!(data),
    decompressSync: (data, rawLength) => deflate.decompressSync!(data, rawLength)
  }

  it('throwing gives LEVEL_CORRUPTION with its error as the cause', async () => {
    const store = await storedWith(220, VALUE, { decompressSync: fail, decompress: reject })
    const corruption = { code: 'LEVEL_CORRUPTION', cause: broken }
    await expect(store.get('k')).rejects.toMatchObject(corruption)
    await expect(store.getMany(['l', 'k'])).rejects.toMatchObject(corruption)
    await expect(store.iterator().all()).rejects.toMatchObject(corruption)
    expect(() => store.getSync('k')).toThrow(expect.objectContaining(corruption))
    expect(String(await store.get('l'))).toBe('intact')
  })

  it.each([
    ['rejecting', reject],
    ['throwing instead of rejecting', fail]
  ])('%s off the main thread gives the same', async (_, decompress) => {
    const store = await storedWith(221, LARGE, { decompress })
    const corruption = { code: 'LEVEL_CORRUPTION', cause: broken }
    const named = { ...corruption, message: expect.stringContaining("(the value of 'k')") as string }
    await expect(store.get('k')).rejects.toMatchObject(corruption)
    await expect(store.getMany(['k', 'k', 'l'])).rejects.toMatchObject(corruption)
    const iterator = store.iterator()
    await expect(iterator.next()).rejects.toMatchObject(corruption)
    expect((await iterator.next())?.[0]).toBe('l')
    const many = store.iterator()
    await expect(many.nextv(10)).rejects.toMatchObject(named)
    expect((await many.nextv(10)).map(([key]) => key)).toEqual(['l'])
    await expect(store.iterator({ reverse: true }).all()).rejects.toMatchObject(named)
    // An iterator over values alone knows no key.
    await expect(store.values({ gte: 'k', lt: 'm' }).all()).rejects.toMatchObject(corruption)
    await expect(store.values({ gte: 'k', lt: 'm' }).next()).rejects.toMatchObject(corruption)
    await store.close()
  })

  it.each([
    ['too few bytes', other],
    ['nothing', undefined as unknown as Uint8Array]
  ])('returning %s gives LEVEL_CORRUPTION', async (_, answer) => {
    const small = await storedWith(222, VALUE, { decompressSync: () => answer })
    await expect(small.get('k')).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    expect(() => small.getSync('k')).toThrow(expect.objectContaining({ code: 'LEVEL_CORRUPTION' }))
    const large = await storedWith(223, LARGE, { decompress: async () => answer })
    await expect(large.get('k')).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  })

  it.each([
    ['that throws', () => ({ ...identity, decompressSync: fail }), { code: 'LEVEL_CORRUPTION', cause: broken }],
    ['that returns too few bytes', () => ({ ...identity, decompressSync: () => other }), { code: 'LEVEL_CORRUPTION' }],
    ['that it does not take any more', undefined, { code: 'LEVEL_NOT_SUPPORTED' }]
  ])('with a dictionary %s gives an error that says so', async (_, withDictionary, error) => {
    const dictionary = Buffer.from('of what small values have in common')
    const { store } = await openStore({ codec: flawed(225, { withDictionary: () => identity }), dictionary })
    await store.put('k', text(200))
    expect(await store.get('k')).toEqual(text(200))
    flawed(225, { ...(withDictionary && { withDictionary }) })
    await expect(store.get('k')).rejects.toMatchObject(error)
    expect(() => store.getSync('k')).toThrow(expect.objectContaining(error))
    await store.close()
  })

  it('does not fill the cache', async () => {
    const codec = flawed(224, {})
    const { store } = await openStore({ codec, cacheBytes: 1 << 20 })
    await store.put('k', VALUE)
    flawed(224, { decompressSync: fail })
    await expect(store.get('k')).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    registerCodec(codec)
    expect((await store.get('k'))?.equals(VALUE)).toBe(true)
  })
})

import { describe, expect, it } from 'vitest'
import { type Codec, openEnvelope, NO_GUARD, registerCodec, zstd } from '../../src/index.js'
import { openStore, storedValue } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'
import { track, turns } from '../support/turns.js'
import { deflate, HeldCodec } from '../support/user-codecs.js'

/** How one value was stored. */
async function storedAs(options: Parameters<typeof openStore>[0], value: Buffer) {
  const { store, backend } = await openStore(options)
  await store.put('k', value)
  expect((await store.get('k'))?.equals(value)).toBe(true)
  const opened = openEnvelope(await storedValue(backend, 'k'), NO_GUARD, 2 ** 32)
  const [reason] = Object.entries(store.stats().raw).find(([, count]) => count > 0) ?? ['compressed']
  return { reason, probe: opened.probe, codecId: opened.codecId }
}

describe('minSize', () => {
  it('is the first length that is tried', async () => {
    expect((await storedAs({}, text(1023))).reason).toBe('belowMinSize')
    expect((await storedAs({}, text(1024))).reason).toBe('compressed')
    expect((await storedAs({ minSize: 300 }, text(299))).reason).toBe('belowMinSize')
    expect((await storedAs({ minSize: 300 }, text(300))).reason).toBe('compressed')
    expect((await storedAs({ minSize: Infinity }, text(10_000))).reason).toBe('belowMinSize')
  })

  it('of 0 tries everything, the empty value too', async () => {
    expect((await storedAs({ minSize: 0 }, Buffer.alloc(0))).reason).toBe('incompressible')
    expect((await storedAs({ minSize: 0, minSaving: 0 }, Buffer.from('x'))).reason).toBe('incompressible')
    expect((await storedAs({ minSize: 0 }, text(200))).reason).toBe('compressed')
  })
})

/** Makes every value `length` bytes long, and cannot restore it. */
const to = (length: number): Codec => {
  const codec: Codec = {
    ...deflate,
    id: 235,
    name: 'to',
    compressSync: () => Buffer.alloc(length),
    decompressSync: () => text(2000)
  }
  registerCodec(codec)
  return codec
}

describe('minSaving', () => {
  /** crc32c, a rawLen of 2 bytes, the codec and the tag. */
  const TRAILER = 8

  it.each([
    [0.1, 1800],
    [0.5, 1000],
    [0, 2000]
  ])('of %d keeps an envelope of up to %i bytes of 2000', async (minSaving, most) => {
    expect((await storedAs({ codec: to(most - TRAILER), minSaving }, text(2000))).reason).toBe('compressed')
    expect((await storedAs({ codec: to(most - TRAILER + 1), minSaving }, text(2000))).reason).toBe('incompressible')
  })

  it('leaves a probe on what was tried in vain: codec and effort', async () => {
    expect((await storedAs({ codec: 'lz4' }, noise(5000))).probe).toEqual({ codecId: 1, effort: 0 })
    expect((await storedAs({ codec: 'zstd' }, noise(5000))).probe).toEqual({ codecId: 2, effort: 3 })
    expect((await storedAs({ codec: zstd({ level: 9 }) }, noise(100_000))).probe).toEqual({ codecId: 2, effort: 9 })
    expect((await storedAs({ codec: deflate }, noise(5000))).probe).toEqual({ codecId: deflate.id, effort: 0 })
  })

  it('leaves none on what was not tried, or was kept', async () => {
    expect((await storedAs({ codec: 'none' }, noise(5000))).probe).toBeUndefined()
    expect((await storedAs({}, noise(100))).probe).toBeUndefined()
    expect((await storedAs({}, text(5000))).probe).toBeUndefined()
  })
})

describe('offThreadSize', () => {
  it('is the first length that is compressed off the main thread', async () => {
    const codec = new HeldCodec()
    const both: Codec = { ...deflate, id: 236, name: 'both', compress: data => codec.compress(data) }
    registerCodec(both)
    const { store } = await openStore({ codec: both, offThreadSize: 3000 })
    await store.put('below', text(2999))
    const put = store.put('at', text(3000))
    const state = track(put)
    await turns()
    expect(state.settled).toBe(false)
    codec.open()
    await put
    expect((await store.get('at'))?.length).toBe(3000)
  })

  it('is the first length that is restored off the main thread', async () => {
    const calls: string[] = []
    const counted: Codec = {
      ...deflate,
      id: 237,
      name: 'counted',
      decompress: async (data, rawLength) => {
        calls.push(`off ${rawLength}`)
        return deflate.decompress(data, rawLength)
      },
      decompressSync: (data, rawLength) => {
        calls.push(`on ${rawLength}`)
        return deflate.decompressSync!(data, rawLength)
      }
    }
    registerCodec(counted)
    const { store } = await openStore({ codec: counted, offThreadSize: 3000 })
    await store.put('a', text(2999))
    await store.put('b', text(3000))
    await store.getMany(['a', 'b'])
    store.getSync('b')
    expect(calls).toEqual(['on 2999', 'off 3000', 'on 3000'])
  })

  it.each(['lz4', 'zstd', 'none'] as const)('of 0 and of Infinity work with %s', async codec => {
    for (const offThreadSize of [0, Infinity]) {
      for (const value of [Buffer.alloc(0), Buffer.from('x'), text(5000), text(100_000), noise(100_000)]) {
        const { reason } = await storedAs({ codec, offThreadSize, minSize: 0 }, value)
        expect(reason).not.toBe('codecFailed')
      }
    }
  })
})

describe('maxValueSize', () => {
  it('is the longest value that is accepted', async () => {
    const { store } = await openStore({ maxValueSize: 2000 })
    await store.put('at', text(2000))
    await expect(store.put('above', text(2001))).rejects.toMatchObject({ code: 'CKV_VALUE_TOO_LARGE' })
    expect(await store.keys().all()).toEqual(['at'])
  })

  it.each(['none', 'lz4', 'zstd', deflate] as const)(
    'lowered later, refuses to read what is longer: %j',
    async codec => {
      const { store, backend } = await openStore({ codec })
      await store.put('a', text(2000))
      await store.put('b', text(2001))
      await store.close()
      const lower = (await openStore({ maxValueSize: 2000 }, backend)).store
      const tooLarge = { code: 'CKV_VALUE_TOO_LARGE' }
      expect((await lower.get('a'))?.length).toBe(2000)
      await expect(lower.get('b')).rejects.toMatchObject(tooLarge)
      expect(() => lower.getSync('b')).toThrow(expect.objectContaining(tooLarge))
      await expect(lower.getMany(['a', 'b'])).rejects.toMatchObject(tooLarge)
      await expect(lower.values().all()).rejects.toMatchObject(tooLarge)
      expect(await lower.keys().all()).toEqual(['a', 'b'])
      await lower.del('b')
    }
  )

  it('of 0 accepts only the empty value', async () => {
    const { store } = await openStore({ maxValueSize: 0 })
    await store.put('k', Buffer.alloc(0))
    expect(await store.get('k')).toEqual(Buffer.alloc(0))
    await expect(store.put('k', Buffer.from('x'))).rejects.toMatchObject({ code: 'CKV_VALUE_TOO_LARGE' })
  })
})

import { describe, expect, it } from 'vitest'
import { type Codec, registerCodec } from '../../src/index.js'
import { memory, openStore, type StoreOptions } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const half = (value: Uint8Array) => value.subarray(0, value.length >> 1)
const fail = (): never => {
  throw new Error('broken')
}

/** Of three values the one in the middle is damaged. */
async function damaged(key: string, length = 5000, options: StoreOptions = {}) {
  const { store, backend } = await openStore({ codec: 'lz4', ...options }, memory())
  for (const name of ['a', key, 'z']) await store.put(name, text(length))
  const stored = (await backend.get(key))!
  const flipped = Buffer.from(stored)
  flipped[100]! ^= 1
  await backend.put(key, flipped)
  return store
}

const of = (name: string) => ({
  name: 'CompressedKvError',
  code: 'LEVEL_CORRUPTION',
  message: expect.stringMatching(
    `^Corrupt data: .* \\(the value of ${name}\\): restore it from a backup, overwrite it or delete it$`
  ) as string
})

describe('the error of a damaged value names its key and says what to do', () => {
  // From 64 KiB on it is restored on another thread.
  it.each([5000, 200_000])('of %d bytes, by getMany(), iterators and values', async length => {
    const store = await damaged('m', length)
    await expect(store.getMany(['a', 'm', 'z'])).rejects.toMatchObject(of("'m'"))
    await expect(store.iterator().all()).rejects.toMatchObject(of("'m'"))
    await expect(store.values().all()).rejects.toMatchObject(of("'m'"))
    const iterator = store.iterator()
    expect((await iterator.next())?.[0]).toBe('a')
    await expect(iterator.next()).rejects.toMatchObject(of("'m'"))
    expect((await iterator.next())?.[0]).toBe('z')
    // An iterator over values alone knows no key.
    await expect(store.values({ gte: 'm', lt: 'z' }).all()).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    expect(await store.keys().all()).toEqual(['a', 'm', 'z'])
  })

  it.each([5000, 2_000_000])(
    'of %d bytes, by get() and getSync(), also of keys in buffers that are used again',
    async length => {
      for (const options of [{}, { cacheBytes: 1e6 }]) {
        const store = await damaged('m', length, options)
        await expect(store.get('m')).rejects.toMatchObject(of("'m'"))
        await expect(store.get('m', { snapshot: store.snapshot() })).rejects.toMatchObject(of("'m'"))
        expect(() => store.getSync('m')).toThrow(expect.objectContaining(of("'m'")))
        const key = Buffer.from('m')
        const getting = store.get(key, { keyEncoding: 'buffer' })
        key.fill('x')
        await expect(getting).rejects.toMatchObject(of("'m'"))
        await store.close()
      }
    }
  )

  it('by get() and getSync() of a value that is not in the backend yet', async () => {
    const broken: Codec = {
      id: 205,
      name: 'broken',
      compress: async value => half(value),
      decompress: async () => fail(),
      compressSync: half,
      decompressSync: fail
    }
    registerCodec(broken)
    const { store } = await openStore({ codec: broken, wal: temporaryDirectory(), memtable: {} })
    await store.put('m', text(2_000_000)) // So long that it is compressed before it is in the table.
    await expect(store.get('m')).rejects.toMatchObject(of("'m'"))
    expect(() => store.getSync('m')).toThrow(expect.objectContaining(of("'m'")))
    await store.close()
  })

  it.each([
    ['m\u0000', 'the key 6d00 in hex'],
    ['m'.repeat(200), `'${'m'.repeat(80)}…'`]
  ])('short and printable (%#)', async (key, shown) => {
    await expect((await damaged(key)).getMany([key])).rejects.toMatchObject(of(shown))
  })
})

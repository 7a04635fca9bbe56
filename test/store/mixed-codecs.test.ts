import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { type Codec, CompressedKvStore, registerCodec, zstd } from '../../src/index.js'
import type { Wrappable } from '../../src/store/backend/any-level.js'
import { openStore } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { deflate } from '../support/user-codecs.js'

const backends: Record<string, () => Wrappable<string, Buffer> & { close(): Promise<void> }> = {
  'memory-level': () => new MemoryLevel({ valueEncoding: 'buffer' }),
  'classic-level': () => new Level(temporaryDirectory(), { valueEncoding: 'buffer' })
}
const codecs = ['none', 'lz4', 'zstd', zstd({ level: 19 }), deflate] as const
const values = [Buffer.alloc(0), Buffer.from('x'), text(600), text(1024), text(70_000), noise(3000), noise(70_000)]

describe.each(Object.entries(backends))('over %s', (_, makeBackend) => {
  it('what any codec wrote stays readable with every other', async () => {
    const backend = makeBackend()
    const expected = new Map<string, Buffer>()
    for (const [i, codec] of codecs.entries()) {
      const store = new CompressedKvStore(backend, { codec, minSize: i % 2 ? 0 : 1024 })
      for (const [j, value] of values.entries()) {
        const key = `${i}-${j}`
        await store.put(key, value)
        expected.set(key, value)
      }
      for (const [key, value] of expected) {
        expect((await store.get(key))?.equals(value)).toBe(true)
        expect(store.getSync(key)?.equals(value)).toBe(true)
      }
      const entries = await store.iterator().all()
      expect(entries.map(([key]) => key)).toEqual([...expected.keys()])
      expect(entries.every(([key, value]) => value.equals(expected.get(key)!))).toBe(true)
      await store.close()
    }
  })
})

describe('an id that nothing is registered for', () => {
  const mine: Codec = { ...deflate, id: 230, name: 'mine' }

  it('is refused when writing', async () => {
    expect(() => new CompressedKvStore(new MemoryLevel(), { codec: { ...mine, id: 231 } })).toThrow(
      expect.objectContaining({ code: 'LEVEL_NOT_SUPPORTED' })
    )
    const { store } = await openStore()
    await expect(store.put('k', text(5000), { codec: { ...mine, id: 231 } })).rejects.toMatchObject({
      code: 'LEVEL_NOT_SUPPORTED'
    })
    expect(await store.has('k')).toBe(false)
  })

  it('is refused when reading, for that value alone', async () => {
    registerCodec(mine)
    const { store, backend } = await openStore({ codec: mine })
    await store.put('small', Buffer.from('x'))
    await store.put('large', text(5000))
    // The same bytes as if a codec of an unknown id had written them would need that codec: see the format's fixtures.
    const stored = Buffer.from((await backend.get('large'))!)
    stored[stored.length - 2] = 231
    const { crc32c } = await import('../../src/checksum/crc32c.js')
    const payload = stored.length - 1 - 1 - 2 - 4
    stored.writeUInt32LE(crc32c(stored.subarray(payload + 4), crc32c(stored.subarray(0, payload))), payload)
    await backend.put('large', stored)
    await expect(store.get('large')).rejects.toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
    expect(() => store.getSync('large')).toThrow(expect.objectContaining({ code: 'LEVEL_NOT_SUPPORTED' }))
    await expect(store.getMany(['small', 'large'])).rejects.toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
    expect(String(await store.get('small'))).toBe('x')
  })

  it.each([1, 2])('a codec of one’s own does not pass under the built-in id %i, which others read', async id => {
    const impostor: Codec = { ...deflate, id, name: 'impostor' }
    const { store } = await openStore()
    await expect(store.put('k', text(5000), { codec: impostor })).rejects.toMatchObject({
      code: expect.stringMatching(/CKV_INVALID_OPTION|LEVEL_NOT_SUPPORTED/)
    })
    expect(() => new CompressedKvStore(new MemoryLevel(), { codec: impostor })).toThrow(/id/)
  })

  it.each([-1, 0, 3, 127, 256, 128.5, NaN, '200'])('registerCodec refuses the id %s', id => {
    expect(() => registerCodec({ ...mine, id: id as number })).toThrow(
      expect.objectContaining({ code: 'CKV_INVALID_OPTION' })
    )
  })

  it.each([{}, null, { id: 240 }, { ...mine, compress: 1 }, { ...mine, effort: 256 }, { ...mine, effort: -1 }])(
    'registerCodec refuses %o',
    codec => {
      expect(() => registerCodec({ id: 240, ...codec } as Codec)).toThrow(
        expect.objectContaining({ code: 'CKV_INVALID_OPTION' })
      )
    }
  )
})

it('a codec that does not load keeps the store from opening, with the backend closed again', async () => {
  const broken: Codec = {
    ...deflate,
    id: 232,
    name: 'does not load',
    load: () => {
      throw new Error('its package is missing')
    }
  }
  registerCodec(broken)
  const backend = new MemoryLevel()
  const store = new CompressedKvStore(backend, { codec: [{ prefix: 'x', codec: broken }] })
  await expect(store.open()).rejects.toMatchObject({ cause: { message: 'its package is missing' } })
  expect(backend.status).toBe('closed')
  const other = new CompressedKvStore(backend)
  await expect(other.put('k', 'v', { codec: broken })).rejects.toThrow('its package is missing')
  await other.put('k', 'v')
})

import { describe, expect, it } from 'vitest'
import { memory, openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'

/** Of three values the one in the middle is damaged. */
async function damaged(key: string, length = 5000) {
  const { store, backend } = await openStore({ codec: 'lz4' }, memory())
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
  message: expect.stringMatching(`^Corrupt data: .* \\(the value of ${name}\\)$`) as string
})

describe('a damaged value among many is named by its key', () => {
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

  it.each([
    ['m\u0000', 'the key 6d00 in hex'],
    ['m'.repeat(200), `'${'m'.repeat(80)}…'`]
  ])('short and printable (%#)', async (key, shown) => {
    await expect((await damaged(key)).getMany([key])).rejects.toMatchObject(of(shown))
  })
})

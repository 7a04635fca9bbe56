import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Codec, type CodecRule, lz4 } from '../../src/index.js'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { deflate } from '../support/user-codecs.js'

const missing = new Error('no binary for this platform')

/** From here on lz4 does not load. */
function withoutLz4(): void {
  vi.spyOn(lz4() as Required<Codec>, 'load').mockImplementation(() => {
    throw missing
  })
}

afterEach(() => void vi.restoreAllMocks())

describe('where lz4 does not load', () => {
  it.each([
    ['alone', [{ codec: 'zstd' }]],
    ['of a user’s own', [{ codec: deflate }]],
    ['after others', [{ prefix: 'a', codec: deflate }, { sublevel: 's', codec: 'none' }, { codec: 'zstd' }]]
  ] as [string, CodecRule[]][])('rules with another codec for every key (%s) open and write', async (_, rules) => {
    withoutLz4()
    const { store } = await openStore({ codec: rules })
    for (const key of ['a', '!s!k', 'z']) await store.put(key, text(5000))
    for (const key of ['a', '!s!k', 'z']) expect((await store.get(key))?.equals(text(5000))).toBe(true)
    expect(store.stats().written.byCodec).not.toHaveProperty('lz4')
    expect(store.stats().raw.codecFailed).toBe(0)
    await store.close()
  })

  it.each([
    ['that leave keys to the default', [{ prefix: 'a', codec: 'zstd' }]],
    ['of which there is none', []],
    ['that name it', [{ prefix: 'a', codec: 'lz4' }, { codec: 'zstd' }]]
  ] as [string, CodecRule[]][])('rules %s do not open', async (_, rules) => {
    withoutLz4()
    await expect(openStore({ codec: rules })).rejects.toMatchObject({
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: missing
    })
  })
})

it('a rule for every key that is not lz4 is the codec of every key', async () => {
  const { store } = await openStore({ codec: [{ codec: 'zstd' }] })
  await store.put('k', text(5000))
  expect(Object.keys(store.stats().written.byCodec)).toEqual(['zstd'])
})

import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import type { Wrappable } from '../../src/store/backend/any-level.js'
import { openStore } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { HeldCodec } from '../support/user-codecs.js'

const backends: Record<string, () => Wrappable<string, Buffer>> = {
  'memory-level': () => new MemoryLevel({ valueEncoding: 'buffer' }),
  'classic-level': () => new Level(temporaryDirectory(), { valueEncoding: 'buffer' })
}

describe.each(Object.entries(backends))('getSync over %s', (_, backend) => {
  it.each(['none', 'lz4', 'zstd'] as const)('reads values of every size written with %s', async codec => {
    const store = new CompressedKvStore(backend(), { codec, minSize: 0 })
    const values = [0, 1, 255, 256, 511, 512, 5000, 65_535, 65_536, 1_000_000, 5_000_000]
    for (const length of values) {
      await store.put(`t${length}`, text(length))
      await store.put(`n${length}`, noise(length))
    }
    for (const length of values) {
      expect(store.getSync(`t${length}`)?.equals(text(length))).toBe(true)
      expect(store.getSync(`n${length}`)?.equals(noise(length))).toBe(true)
    }
    expect(store.getSync('missing')).toBeUndefined()
    await store.close()
  })
})

it('getSync through a sublevel, with encodings', async () => {
  const { store } = await openStore()
  const sub = store.sublevel<string, { n: number }>('s', { valueEncoding: 'json' })
  await sub.put('k', { n: 1 })
  expect(sub.getSync('k')).toEqual({ n: 1 })
  expect(store.getSync<string, string>('!s!k', { valueEncoding: 'utf8' })).toBe('{"n":1}')
})

it('getSync of a value whose codec has no synchronous form is refused', async () => {
  const codec = new HeldCodec()
  codec.open()
  const { store } = await openStore({ codec })
  await store.put('k', text(5000))
  expect(() => store.getSync('k')).toThrow(expect.objectContaining({ code: 'LEVEL_NOT_SUPPORTED' }))
  expect((await store.get('k'))?.equals(text(5000))).toBe(true)
})

import { Level } from 'level'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import type { Store } from '../support/memory-store.js'
import { noise } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

describe('a method with two keys, over classic-level', () => {
  let store: Store

  beforeAll(async () => {
    store = new CompressedKvStore(new Level<string, Buffer>(temporaryDirectory(), { valueEncoding: 'buffer' }))
    for (let i = 0; i < 20; i++) await store.put(`k${i}`, noise(1000, i + 1))
    await store.compactRange('a', 'z')
  })
  afterAll(() => store.close())

  const absent = undefined as never

  it.each([
    ['start', [absent, 'z']],
    ['end', ['a', absent]],
    ['both', [absent, absent]]
  ] as [string, [string, string]][])('is refused without %s', async (_, keys) => {
    await expect(store.compactRange(...keys)).rejects.toBeInstanceOf(TypeError)
    await expect(store.approximateSize(...keys)).rejects.toBeInstanceOf(TypeError)
    expect(await store.approximateSize('a', 'z')).toBeGreaterThan(10_000)
  })

  it('takes null for its options, as classic-level does', async () => {
    expect(await store.approximateSize('a', 'z', null as never)).toBe(await store.approximateSize('a', 'z'))
    await store.compactRange('a', 'z', null as never)
  })
})

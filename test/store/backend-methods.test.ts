import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { openStore } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { HeldCodec } from '../support/user-codecs.js'

const NOT_SUPPORTED = { code: 'LEVEL_NOT_SUPPORTED' }

describe('methods that only some backends have', () => {
  it('work over classic-level, after the writes that are pending', async () => {
    const codec = new HeldCodec()
    const store = new CompressedKvStore(new Level<string, Buffer>(temporaryDirectory(), { valueEncoding: 'buffer' }), {
      codec
    })
    for (let i = 0; i < 20; i++) await store.put(`k${i}`, noise(1000, i + 1))
    const put = store.put('k-held', text(5000))
    const compacted = store.compactRange('a', 'z')
    codec.open()
    await Promise.all([put, compacted])
    expect(await store.approximateSize('a', 'z')).toBeGreaterThan(10_000)
    expect(await store.approximateSize('x', 'z')).toBe(0)
    expect(await store.approximateSize('61', '7a', { keyEncoding: 'hex' })).toBeGreaterThan(10_000)
    expect(store.getProperty('leveldb.num-files-at-level0')).toMatch(/^\d+$/)
    await store.close()
  })

  it('are not there over a backend without them, for programs that look before they call', async () => {
    const classic = new Level(temporaryDirectory())
    const overSublevel = new CompressedKvStore(classic.sublevel('s'), { wal: false })
    const { store } = await openStore()
    for (const without of [store, overSublevel]) {
      expect(without).toMatchObject({ compactRange: undefined, approximateSize: undefined, getProperty: undefined })
      expect(without.supports.additionalMethods).toEqual({})
    }
    await overSublevel.close()
    await classic.close()
  })

  it('of other names are forwarded as they are', async () => {
    const backend = new Level(temporaryDirectory())
    Object.assign(backend.supports.additionalMethods, { repairAll: true })
    Object.assign(backend, {
      repairAll(this: unknown, ...args: unknown[]) {
        return [this === backend, ...args]
      }
    })
    const store = new CompressedKvStore(backend) as unknown as CompressedKvStore & {
      repairAll(...args: unknown[]): unknown
    }
    expect(store.repairAll(1, 'two')).toEqual([true, 1, 'two'])
    await store.close()
  })
})

it('sync() is refused without a log', async () => {
  const { store } = await openStore()
  await expect(store.sync()).rejects.toMatchObject(NOT_SUPPORTED)
})

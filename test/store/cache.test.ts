import { describe, expect, it, vi } from 'vitest'
import { intercept } from '../support/intercept.js'
import { openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { HeldCodec } from '../support/user-codecs.js'

const CACHED = { cacheBytes: 1 << 20 }
const OLD = Buffer.from('old value')
const NEW = Buffer.from('new value')

describe('the cache', () => {
  it('answers the second read without the backend', async () => {
    const { store, backend } = await openStore(CACHED)
    await store.put('k', text(5000))
    await store.get('k')
    let reads = 0
    intercept(backend, ['_get'], ({ proceed }) => {
      reads++
      return proceed()
    })
    expect((await store.get('k'))?.equals(text(5000))).toBe(true)
    expect(store.getSync('k')?.equals(text(5000))).toBe(true)
    expect(reads).toBe(0)
    expect(store.stats().cache).toMatchObject({ hits: 2, misses: 1, entries: 1 })
  })

  it('keeps nothing when it is off, nor what is not there', async () => {
    const off = (await openStore()).store
    await off.put('k', OLD)
    await off.get('k')
    expect(off.stats().cache).toEqual({ hits: 0, misses: 0, entries: 0, bytes: 0 })
    const on = (await openStore(CACHED)).store
    await on.get('missing')
    expect(on.stats().cache).toMatchObject({ misses: 1, entries: 0 })
  })

  it.each([
    ['put', async store => store.put('k', NEW), NEW],
    ['del', async store => store.del('k'), undefined],
    ['batch put', async store => store.batch([{ type: 'put', key: 'k', value: NEW }]), NEW],
    ['batch del', async store => store.batch([{ type: 'del', key: 'k' }]), undefined],
    ['chained batch', async store => store.batch().put('k', NEW).write(), NEW],
    ['clear', async store => store.clear(), undefined],
    ['clear of a range', async store => store.clear({ gte: 'k', lt: 'l' }), undefined],
    ['clear with a limit', async store => store.clear({ limit: 1 }), undefined],
    ['large put', async store => store.put('k', text(100_000)), text(100_000)]
  ] as [string, (store: Awaited<ReturnType<typeof openStore>>['store']) => Promise<void>, Buffer | undefined][])(
    'lets go of a value that was replaced by a %s, and takes values afterwards',
    async (_, write, expected) => {
      const { store } = await openStore(CACHED)
      await store.put('k', OLD)
      await store.get('k')
      await write(store)
      expect(await store.get('k')).toEqual(expected)
      expect(store.getSync('k')).toEqual(expected)
      await store.put('l', OLD)
      const { hits } = store.stats().cache
      for (let i = 0; i < 2; i++) expect(await store.get('l')).toEqual(OLD)
      expect(store.stats().cache.hits).toBe(hits + 1)
    }
  )

  it('lets go also through a sublevel', async () => {
    const { store } = await openStore(CACHED)
    const sub = store.sublevel<string, Buffer>('s', { valueEncoding: 'buffer' })
    await sub.put('k', OLD)
    expect(await sub.get('k')).toEqual(OLD)
    await sub.put('k', NEW)
    expect(await sub.get('k')).toEqual(NEW)
    await sub.clear()
    expect(await sub.get('k')).toBeUndefined()
  })

  it('keeps keys apart that share bytes in different encodings', async () => {
    const { store } = await openStore(CACHED)
    const keys = ['ff', 'c3bf', 'efbfbd', '00', ''].map(hex => Buffer.from(hex, 'hex'))
    for (const key of keys) await store.put<Buffer, Buffer>(key, key, { keyEncoding: 'buffer' })
    for (let i = 0; i < 2; i++) {
      for (const key of keys) {
        expect(await store.get<Buffer, Buffer>(key, { keyEncoding: 'buffer' })).toEqual(key)
      }
    }
  })

  it('is bypassed by snapshots', async () => {
    const { store } = await openStore(CACHED)
    await store.put('k', OLD)
    await using snapshot = store.snapshot()
    await store.put('k', NEW)
    await store.get('k')
    expect(await store.get('k', { snapshot })).toEqual(OLD)
    expect(store.getSync('k', { snapshot })).toEqual(OLD)
    expect(await store.get('k')).toEqual(NEW)
    expect(await store.getMany(['k'], { snapshot })).toEqual([OLD])
  })

  it('forgets what has expired, also when it was read before', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 })
    const { store } = await openStore(CACHED)
    await store.put('k', OLD, { ttl: 1000 })
    expect(await store.get('k')).toEqual(OLD)
    vi.setSystemTime(1_000_999)
    expect(await store.get('k')).toEqual(OLD)
    vi.setSystemTime(1_001_000)
    expect(await store.get('k')).toBeUndefined()
    expect(store.getSync('k')).toBeUndefined()
    vi.useRealTimers()
  })

  it('is bounded', async () => {
    const { store } = await openStore({ cacheBytes: 100_000 })
    for (let i = 0; i < 50; i++) {
      await store.put(`k${i}`, text(5000))
      await store.get(`k${i}`)
      expect(store.stats().cache.bytes).toBeLessThanOrEqual(100_000)
    }
    expect(store.stats().cache.entries).toBeGreaterThan(10)
    await store.put('too large', text(200_000))
    expect((await store.get('too large'))?.length).toBe(200_000)
    expect((await store.get('too large'))?.length).toBe(200_000)
    expect(store.stats().cache.bytes).toBeLessThanOrEqual(100_000)
    expect((await store.get('k49'))?.length).toBe(5000)
  })

  it('is empty after reopening', async () => {
    const { store, backend } = await openStore(CACHED)
    await store.put('k', OLD)
    await store.get('k')
    await store.close()
    await backend.open()
    await backend.del('k')
    await store.open()
    expect(await store.get('k')).toBeUndefined()
  })
})

it('a put that was rejected leaves what is stored readable', async () => {
  const { store } = await openStore({ ...CACHED, codec: new HeldCodec(), maxValueSize: 10_000 })
  await store.put('k', OLD)
  await store.get('k')
  await expect(store.put('k', text(10_001))).rejects.toMatchObject({ code: 'CKV_VALUE_TOO_LARGE' })
  expect(await store.get('k')).toEqual(OLD)
})

import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it, vi } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { memory, openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const SMALL = Buffer.from('small')
const NOT_SUPPORTED = expect.objectContaining({ code: 'LEVEL_NOT_SUPPORTED' })
const INVALID_OPTION = expect.objectContaining({ code: 'CKV_INVALID_OPTION' })
const lockedOut = { code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code: 'LEVEL_LOCKED' } }

describe('what cannot be wrapped is refused at once', () => {
  it.each([undefined, null, 'path', {}, { supports: true }, new Map()])('%s', backend => {
    expect(() => new CompressedKvStore(backend as never)).toThrow(NOT_SUPPORTED)
  })

  it('a memory-level that holds text', () => {
    expect(() => new CompressedKvStore(new MemoryLevel({ storeEncoding: 'utf8' }))).toThrow(NOT_SUPPORTED)
  })

  it('a store, and a sublevel of one, however deep', async () => {
    const { store } = await openStore()
    expect(() => new CompressedKvStore(store)).toThrow(NOT_SUPPORTED)
    const sub = store.sublevel('a')
    expect(() => new CompressedKvStore(sub)).toThrow(NOT_SUPPORTED)
    expect(() => new CompressedKvStore(sub.sublevel('b'))).toThrow(NOT_SUPPORTED)
  })
})

describe('one backend', () => {
  it('is held by one store at a time', async () => {
    const { store, backend } = await openStore()
    await store.put('k', SMALL)
    const second = new CompressedKvStore(backend)
    await expect(second.open()).rejects.toMatchObject(lockedOut)
    expect([store.status, backend.status]).toEqual(['open', 'open'])
    await store.close()
    await second.open()
    expect(await second.get('k')).toEqual(SMALL)
    await expect(store.open()).rejects.toMatchObject(lockedOut)
    await second.close()
    await store.open()
  })

  it('in one directory is held by one store in the process', async () => {
    const location = temporaryDirectory()
    const first = new CompressedKvStore(new Level(location))
    await first.put('k', 'v')
    const second = new CompressedKvStore(new Level(location))
    await expect(second.open()).rejects.toMatchObject(lockedOut)
    await first.close()
    await second.open()
    expect(await second.get('k')).toBe('v')
    await second.close()
  })

  it('is held also through another object for the same sublevel', async () => {
    const root = memory()
    const first = new CompressedKvStore(root.sublevel<string, Buffer>('s', { valueEncoding: 'buffer' }))
    const second = new CompressedKvStore(root.sublevel<string, Buffer>('s', { valueEncoding: 'buffer' }))
    await first.open()
    await expect(second.open()).rejects.toMatchObject(lockedOut)
  })

  it('may hold several stores in sublevels of their own', async () => {
    const root = memory()
    const one = new CompressedKvStore(root.sublevel<string, Buffer>('one', { valueEncoding: 'buffer' }))
    const two = new CompressedKvStore(root.sublevel<string, Buffer>('two', { valueEncoding: 'buffer' }))
    await Promise.all([one.put('k', text(5000)), two.put('k', SMALL)])
    await one.clear()
    expect(await one.keys().all()).toEqual([])
    expect(await two.get('k')).toEqual(SMALL)
    await one.close()
    expect(root.status).toBe('open')
    await two.put('l', SMALL)
    await root.close()
    expect(two.status).toBe('closed')
  })
})

describe('options', () => {
  it.each([
    ['minSize', -1],
    ['minSize', 1.5],
    ['minSize', NaN],
    ['offThreadSize', -1],
    ['maxValueSize', 2 ** 32],
    ['maxValueSize', '1'],
    ['cacheBytes', -1],
    ['cacheBytes', Infinity],
    ['minSaving', 1],
    ['minSaving', -0.1],
    ['minSaving', NaN],
    ['checksum', 'never'],
    ['codec', 'gzip'],
    ['codec', 'toString'],
    ['codec', {}],
    ['codec', [{ codec: 'gzip' }]],
    ['codec', [{ codec: 'lz4', prefix: 'a', sublevel: 'b' }]]
  ])('%s: %s is refused', (name, value) => {
    expect(() => new CompressedKvStore(memory(), { [name]: value })).toThrow(
      expect.objectContaining({ code: 'CKV_INVALID_OPTION' })
    )
  })

  it.each([
    false,
    'lz4',
    { policy: {} },
    { intervalMs: -1 },
    { intervalMs: 0.5 },
    { intervalMs: 2 ** 31 },
    { bytesPerSecond: 0 },
    { bytesPerSecond: Number.NaN }
  ])('gc: %o is refused', gc => {
    expect(() => new CompressedKvStore(memory(), { gc } as object)).toThrow(INVALID_OPTION)
  })
})

describe('another copy of the library in the process', () => {
  it('is refused a backend that a store of this one has open', async () => {
    vi.resetModules()
    const copy = await import('../../src/index.js')
    expect(copy.CompressedKvStore).not.toBe(CompressedKvStore)
    const level = new Level(temporaryDirectory())
    const store = new CompressedKvStore(level)
    await store.put('a', 'A')
    await expect(new copy.CompressedKvStore(level).open()).rejects.toMatchObject(lockedOut)
    await store.put('b', 'B')
    expect(await store.getMany(['a', 'b'])).toEqual(['A', 'B'])
    await store.close()
    const next = new copy.CompressedKvStore(level)
    expect(await next.getMany(['a', 'b'])).toEqual(['A', 'B'])
    await next.close()
  })
})

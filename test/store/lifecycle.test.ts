import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it, vi } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import type { Wrappable } from '../../src/store/backend/any-level.js'
import { failures } from '../support/failures.js'
import { memory, openStore } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const SMALL = Buffer.from('small')
const NOT_OPEN = { code: 'LEVEL_DATABASE_NOT_OPEN' }

const failingHook = async () => {
  throw new Error('no')
}

describe('opening and closing', () => {
  it('opens by itself, and defers calls until then', async () => {
    const store = new CompressedKvStore(memory())
    expect(store.status).toBe('opening')
    await store.put('k', SMALL)
    expect(store.status).toBe('open')
    expect(await store.get('k')).toEqual(SMALL)
  })

  it('tells every call that waited for it why opening failed', async () => {
    const backend = memory()
    const first = new CompressedKvStore(backend)
    await first.open()
    const second = new CompressedKvStore(backend)
    const locked = { ...NOT_OPEN, cause: { code: 'LEVEL_LOCKED' } }
    await Promise.all([
      expect(second.put('k', SMALL)).rejects.toMatchObject(locked),
      expect(second.get('k')).rejects.toMatchObject(locked),
      expect(second.getMany(['k'])).rejects.toMatchObject(locked),
      expect(second.batch([{ type: 'del', key: 'k' }])).rejects.toMatchObject(locked),
      expect(second.flush()).rejects.toMatchObject(locked),
      expect(second.gc.run()).rejects.toMatchObject(locked)
    ])
    await expect(second.flush()).rejects.toMatchObject(locked)
    await first.close()
    await second.open()
    await second.close()
    await expect(second.flush()).rejects.not.toHaveProperty('cause')
  })

  it('tells every call on its sublevels why opening failed', async () => {
    const backend = memory()
    const first = new CompressedKvStore(backend)
    await first.open()
    const second = new CompressedKvStore(backend)
    const outer = second.sublevel('outer')
    const late = async () => {
      await second.open().catch(() => {})
      return second.sublevel('late')
    }
    const cause = { code: 'LEVEL_LOCKED' }
    const locked = { ...NOT_OPEN, cause }
    for (const sublevel of [outer, outer.sublevel('inner'), await late()]) {
      await expect(sublevel.open()).rejects.toMatchObject({ ...NOT_OPEN, cause: locked })
      const waiting = second.sublevel('waiting')
      await Promise.all([
        expect(waiting.put('k', 'v')).rejects.toMatchObject(locked),
        expect(waiting.get('k')).rejects.toMatchObject(locked),
        expect(waiting.clear()).rejects.toMatchObject(locked),
        expect(waiting.keys().next()).rejects.toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN', cause })
      ])
    }
    await first.close()
    await second.open()
    await outer.open()
    expect(await outer.keys().all()).toEqual([])
    await second.close()
    await expect(outer.open()).rejects.not.toHaveProperty('cause.cause')
  })

  it('may be opened and closed twice', async () => {
    const { store, backend } = await openStore()
    await Promise.all([store.open(), store.open()])
    expect(store.status).toBe('open')
    await Promise.all([store.close(), store.close()])
    await store.close()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
  })

  it('opens again, with everything there', async () => {
    const { store } = await openStore()
    for (let i = 0; i < 3; i++) {
      await store.put(`k${i}`, text(5000))
      await store.close()
      await store.open()
    }
    expect(await store.keys().all()).toEqual(['k0', 'k1', 'k2'])
    expect((await store.get('k0'))?.equals(text(5000))).toBe(true)
  })

  it('closing the backend closes the store', async () => {
    const { store, backend } = await openStore()
    await store.put('k', SMALL)
    await backend.close()
    expect(store.status).toBe('closed')
    await expect(store.get('k')).rejects.toMatchObject(NOT_OPEN)
  })

  it('takes a backend that is open already, and one that was closed', async () => {
    const open = memory()
    await open.open()
    await (await openStore({}, open)).store.put('k', SMALL)
    const closed = memory()
    await closed.open()
    await closed.close()
    const { store } = await openStore({}, closed)
    await store.put('k', SMALL)
    expect(closed.status).toBe('open')
  })

  it('is closed by `await using`', async () => {
    const backend = memory()
    {
      await using store = new CompressedKvStore(backend)
      await store.put('k', SMALL)
    }
    expect(backend.status).toBe('closed')
  })

  it('emits abstract-level’s events, once each', async () => {
    const store = new CompressedKvStore(memory())
    const events: string[] = []
    for (const name of ['opening', 'open', 'closing', 'closed'] as const) store.on(name, () => events.push(name))
    await store.open()
    await store.close()
    expect(events).toEqual(['opening', 'open', 'closing', 'closed'])
  })

  it('refuses every call when closed', async () => {
    const { store } = await openStore({}, Object.assign(memory(), { compactRange: async () => {} }))
    await store.close()
    const calls = [
      store.get('k'),
      store.put('k', SMALL),
      store.del('k'),
      store.batch([{ type: 'del', key: 'k' }]),
      store.clear(),
      store.has('k'),
      store.getMany(['k']),
      store.hasMany(['k']),
      store.flush(),
      store.compactRange('a', 'b')
    ]
    for (const failure of await failures(calls)) {
      expect(failure).toMatchObject({ message: expect.stringMatching(/open|compactRange/) })
    }
    expect(() => store.getSync('k')).toThrow(expect.objectContaining(NOT_OPEN))
    expect(() => store.iterator()).toThrow(expect.objectContaining(NOT_OPEN))
    expect(() => store.snapshot()).toThrow(expect.objectContaining(NOT_OPEN))
    expect(() => store.batch()).toThrow(expect.objectContaining(NOT_OPEN))
  })

  it('closes iterators, snapshots and chained batches that are left open', async () => {
    const { store } = await openStore()
    await store.put('k', SMALL)
    const iterator = store.iterator()
    const snapshot = store.snapshot()
    const batch = store.batch().put('l', SMALL)
    await store.close()
    await expect(iterator.next()).rejects.toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' })
    await expect(batch.write()).rejects.toMatchObject({ code: 'LEVEL_BATCH_NOT_OPEN' })
    await store.open()
    await expect(store.get('k', { snapshot })).rejects.toMatchObject({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' })
    expect(await store.keys().all()).toEqual(['k'])
  })
})

describe('hooks and events of writes', () => {
  it('a prewrite hook sees values before they are compressed, and may add operations', async () => {
    const { store } = await openStore()
    const index = store.sublevel('index')
    await index.open()
    const seen: unknown[] = []
    store.hooks.prewrite.add((operation, batch) => {
      if (operation.type !== 'put') return
      seen.push(operation.value)
      batch.add({ type: 'put', key: operation.key, value: 'indexed', sublevel: index })
    })
    await store.put('a', text(5000))
    await store.batch().put('b', SMALL).write()
    expect(seen).toEqual([text(5000), SMALL])
    expect(await index.keys().all()).toEqual(['a', 'b'])
    expect(await index.get('a')).toBe('indexed')
  })

  it('the write event carries what the caller wrote', async () => {
    const { store } = await openStore()
    const written = vi.fn<(operations: object[]) => void>()
    store.on('write', written)
    await store.put('k', text(5000))
    const [[operations]] = written.mock.calls as unknown as [[{ key: string; value: Buffer }[]]]
    expect(operations[0]).toMatchObject({ type: 'put', key: 'k' })
    expect(operations[0]!.value.equals(text(5000))).toBe(true)
  })

  it('options of the store do not reach the hooks', async () => {
    const store = new CompressedKvStore(memory(), { codec: 'zstd', minSize: 1, cacheBytes: 100, readOnly: false })
    let seen: object = {}
    store.hooks.postopen.add(async options => {
      seen = options
    })
    await store.open()
    expect(Object.keys(seen).sort()).toEqual(['createIfMissing', 'errorIfExists'])
  })

  it('a postopen hook that fails closes the store and the backend', async () => {
    const { store, backend } = await openStore()
    await store.close()
    store.hooks.postopen.add(failingHook)
    await expect(store.open()).rejects.toMatchObject({ code: 'LEVEL_HOOK_ERROR' })
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
    store.hooks.postopen.delete(failingHook)
    await store.open()
    await store.put('k', SMALL)
  })
})

/** A database, and the options that it was opened with. */
const watched = (options: object = {}) => {
  const opened: object[] = []
  const backend = Object.assign(new MemoryLevel(options), { _open: async (given: object) => void opened.push(given) })
  return { backend, opened }
}
const CACHE = { cacheSize: 1 } as never

describe('options of a backend that are given to the store', () => {
  it('leave it closed until it opens by itself', async () => {
    const { backend, opened } = watched()
    const store = new CompressedKvStore(backend, CACHE)
    const hook = vi.fn<() => Promise<void>>(async () => {})
    backend.hooks.postopen.add(hook)
    await store.get('key')
    expect(opened).toEqual([expect.objectContaining({ cacheSize: 1 })])
    expect(hook).toHaveBeenCalledTimes(1)
  })

  it('give way to those of open()', async () => {
    const { backend, opened } = watched()
    await new CompressedKvStore(backend, CACHE).open({ cacheSize: 2, createIfMissing: false } as never)
    expect(opened).toEqual([expect.objectContaining({ cacheSize: 2, createIfMissing: false })])
  })

  it('do not open it again when it is closed at once', async () => {
    const { backend, opened } = watched()
    const store = new CompressedKvStore(backend, CACHE)
    await backend.close()
    await expect(store.get('key')).rejects.toMatchObject(NOT_OPEN)
    expect([backend.status, store.status, opened]).toEqual(['closed', 'closed', []])
  })

  it('are not those with which it is opened alone', async () => {
    const { backend, opened } = watched()
    const store = new CompressedKvStore(backend, CACHE)
    await backend.open({ passive: true })
    await store.close()
    await backend.open()
    expect(opened.map(given => 'cacheSize' in given)).toEqual([true, false])
  })

  it('leave nothing to be seen on it', async () => {
    const backend = new MemoryLevel()
    const names = Object.keys(backend)
    await new CompressedKvStore(backend, CACHE).open()
    expect(Object.keys(backend)).toEqual(names)
  })

  it('do not replace its own where they are undefined', async () => {
    const { backend, opened } = watched({ cacheSize: 2 })
    await new CompressedKvStore(backend, { cacheSize: undefined } as never).open()
    expect(opened).toEqual([expect.objectContaining({ cacheSize: 2 })])
  })
})

describe('createIfMissing and errorIfExists', () => {
  it('given to the constructor reach classic-level', async () => {
    const missing = new CompressedKvStore(new Level(temporaryDirectory()), { createIfMissing: false })
    await expect(missing.open()).rejects.toMatchObject(NOT_OPEN)
    const location = temporaryDirectory()
    const made = new CompressedKvStore(new Level(location))
    await made.put('k', 'v')
    await made.close()
    const existing = new CompressedKvStore(new Level(location), { errorIfExists: true })
    await expect(existing.put('k', 'other')).rejects.toMatchObject(NOT_OPEN)
    const again = new CompressedKvStore(new Level(location), { createIfMissing: false })
    expect(await again.get('k')).toBe('v')
    await again.close()
  })

  it('given to the backend hold as well', async () => {
    const store = new CompressedKvStore(new Level(temporaryDirectory(), { createIfMissing: false }))
    await expect(store.open()).rejects.toMatchObject(NOT_OPEN)
  })

  it('given to open() reach a backend that was closed', async () => {
    const location = temporaryDirectory()
    const store = new CompressedKvStore(new Level(location))
    await store.put('k', 'v')
    await store.close()
    await expect(store.open({ errorIfExists: true })).rejects.toMatchObject(NOT_OPEN)
    await store.open()
    expect(await store.get('k')).toBe('v')
    await store.close()
  })
})

describe('location and manifest', () => {
  it('the location is the backend’s', async () => {
    const location = temporaryDirectory()
    const store = new CompressedKvStore(new Level(location))
    expect(store.location).toBe(location)
    await store.close()
    expect(new CompressedKvStore(new MemoryLevel()).location).toBeUndefined()
  })

  it('supports what the backend supports', async () => {
    const overMemory = new CompressedKvStore(new MemoryLevel())
    expect(overMemory.supports).toMatchObject({ permanence: false, getSync: true, explicitSnapshots: true, seek: true })
    const overClassic = new CompressedKvStore(new Level(temporaryDirectory()))
    expect(overClassic.supports).toMatchObject({ permanence: true, createIfMissing: true, errorIfExists: true })
    expect(overClassic.supports.additionalMethods).toMatchObject({ compactRange: true, approximateSize: true })
    await overClassic.close()
  })

  it('encodings default to the backend’s, and may be others', async () => {
    const json = new CompressedKvStore(new MemoryLevel<string, { n: number }>({ valueEncoding: 'json' }))
    await json.put('k', { n: 1 })
    expect(await json.get('k')).toEqual({ n: 1 })
    const other = new CompressedKvStore<string>(memory() as Wrappable<unknown, unknown>, {
      keyEncoding: 'hex',
      valueEncoding: 'base64'
    })
    await other.put('ff00', 'QUJD')
    expect(await other.get('ff00')).toBe('QUJD')
  })
})

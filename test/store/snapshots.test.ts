import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import type { Wrappable } from '../../src/store/backend/any-level.js'
import { failures } from '../support/failures.js'
import { intercept } from '../support/intercept.js'
import { type Backend, memory, openStore, type Store } from '../support/memory-store.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const OLD = Buffer.from('old')
const NEW = text(5000)
const REFUSED = { code: 'LEVEL_NOT_SUPPORTED' }

const backends: Record<string, () => Wrappable<string, Buffer>> = {
  'memory-level': () => new MemoryLevel({ valueEncoding: 'buffer' }),
  'classic-level': () => new Level(temporaryDirectory(), { valueEncoding: 'buffer' }),
  'a sublevel of memory-level': () => new MemoryLevel().sublevel<string, Buffer>('wrapped', { valueEncoding: 'buffer' })
}

describe.each(Object.entries(backends))('a snapshot over %s', (_, backend) => {
  it('sees one moment, in every read', async () => {
    const store = new CompressedKvStore(backend(), { cacheBytes: 10_000 })
    await store.put('changed', OLD)
    await store.put('deleted', OLD)
    const snapshot = store.snapshot()
    await store.put('changed', NEW)
    await store.del('deleted')
    await store.put('added', NEW)
    expect(await store.get('changed', { snapshot })).toEqual(OLD)
    expect(store.getSync('changed', { snapshot })).toEqual(OLD)
    expect(await store.getMany(['added', 'changed', 'deleted'], { snapshot })).toEqual([undefined, OLD, OLD])
    expect(await store.has('deleted', { snapshot })).toBe(true)
    expect(await store.hasMany(['added', 'changed'], { snapshot })).toEqual([false, true])
    expect(await store.keys({ snapshot }).all()).toEqual(['changed', 'deleted'])
    expect(await store.values({ snapshot, limit: 1 }).all()).toEqual([OLD])
    expect(await store.keys().all()).toEqual(['added', 'changed'])
    await snapshot.close()
    await expect(store.get('changed', { snapshot })).rejects.toMatchObject({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' })
    await store.close()
  })

  it('serves reads that began before it was closed', async () => {
    const store = new CompressedKvStore(backend())
    await store.put('k', NEW)
    for (const ttl of [undefined, 1_000_000]) {
      await store.put('l', OLD, ttl === undefined ? {} : { ttl })
      const snapshot = store.snapshot()
      await store.del('k')
      const reads = [
        store.get('k', { snapshot }),
        store.getMany(['k'], { snapshot }),
        store.has('k', { snapshot }),
        store.hasMany(['k'], { snapshot })
      ]
      const closed = snapshot.close()
      const [get, getMany, has, hasMany] = await Promise.all(reads)
      await closed
      expect((get as Buffer).equals(NEW)).toBe(true)
      expect((getMany as Buffer[])[0]!.equals(NEW)).toBe(true)
      expect([has, hasMany]).toEqual([true, [true]])
      await store.put('k', NEW)
    }
    await store.close()
  })

  it('limits a clear to what it saw', async () => {
    const store = new CompressedKvStore(backend())
    await store.batch(['a', 'b', 'c'].map(key => ({ type: 'put', key, value: OLD })))
    await using snapshot = store.snapshot()
    await store.put('d', NEW)
    await store.clear({ snapshot, gte: 'b' })
    expect(await store.keys().all()).toEqual(['a', 'd'])
    await store.clear({ snapshot })
    expect(await store.keys().all()).toEqual(['d'])
    await snapshot.close()
    await store.close()
  })

  it('is taken by sublevels, and made by them', async () => {
    const store = new CompressedKvStore(backend())
    const sub = store.sublevel<string, Buffer>('s', { valueEncoding: 'buffer' })
    await sub.put('k', OLD)
    const ofStore = store.snapshot()
    const ofSub = sub.snapshot()
    await sub.put('k', NEW)
    for (const snapshot of [ofStore, ofSub]) {
      expect(await sub.get('k', { snapshot })).toEqual(OLD)
      expect(await store.get('!s!k', { snapshot })).toEqual(OLD)
      expect(await sub.values({ snapshot }).all()).toEqual([OLD])
    }
    await sub.close()
    await expect(store.get('!s!k', { snapshot: ofSub })).rejects.toMatchObject({ code: 'LEVEL_SNAPSHOT_NOT_OPEN' })
    expect(await store.get('!s!k', { snapshot: ofStore })).toEqual(OLD)
    await store.close()
  })
})

describe('a snapshot that the store did not make', () => {
  it('is refused: one of the backend', async () => {
    const { store, backend } = await openStore()
    await store.put('k', OLD)
    await using snapshot = backend.snapshot()
    const calls = [
      store.get('k', { snapshot }),
      store.getMany(['k'], { snapshot }),
      store.has('k', { snapshot }),
      store.clear({ snapshot })
    ]
    for (const failure of await failures(calls)) expect(failure).toMatchObject(REFUSED)
    expect(() => store.getSync('k', { snapshot })).toThrow(expect.objectContaining(REFUSED))
    expect(() => store.iterator({ snapshot })).toThrow(expect.objectContaining(REFUSED))
  })

  it('is refused: one of another store, whose entries it would show', async () => {
    const { store } = await openStore()
    const other = (await openStore()).store
    await store.put('k', OLD)
    await other.put('k', NEW)
    await using snapshot = other.snapshot()
    await expect(store.get('k', { snapshot })).rejects.toMatchObject(REFUSED)
    expect(() => store.iterator({ snapshot })).toThrow(expect.objectContaining(REFUSED))
  })
})

describe('over a backend that makes no snapshots', () => {
  it('snapshot() throws, and the store can still be closed', async () => {
    const { store, backend } = await openStore()
    await store.put('k', OLD)
    intercept(backend, ['_snapshot'], () => {
      throw Object.assign(new Error('Database does not support explicit snapshots'), REFUSED)
    })
    expect(() => store.snapshot()).toThrow(expect.objectContaining(REFUSED))
    await store.close()
    expect(store.status).toBe('closed')
  })
})

describe('an iterator that could not be made', () => {
  it.each([
    ['because of a snapshot of the backend', async (_: Store, backend: Backend) => ({ snapshot: backend.snapshot() })],
    [
      'because the backend failed to make one',
      async (_: Store, backend: Backend) => {
        intercept(backend, ['_iterator'], () => {
          throw Object.assign(new Error('no iterator'), REFUSED)
        })
        return {}
      }
    ]
  ])('%s leaves nothing behind: the store can be closed', async (_, prepare) => {
    const { store, backend } = await openStore()
    await store.put('k', OLD)
    const options = await prepare(store, backend)
    for (const make of [() => store.iterator(options), () => store.keys(options), () => store.values(options)]) {
      expect(make).toThrow(expect.objectContaining(REFUSED))
    }
    await store.close()
    expect([store.status, backend.status]).toEqual(['closed', 'closed'])
  })
})

it('an iterator sees one moment', async () => {
  const { store } = await openStore({}, memory())
  await store.batch(['a', 'b', 'c'].map(key => ({ type: 'put', key, value: OLD })))
  const iterator = store.iterator()
  await store.put('b', NEW)
  await store.del('c')
  await store.put('d', NEW)
  expect(await iterator.all()).toEqual([
    ['a', OLD],
    ['b', OLD],
    ['c', OLD]
  ])
})

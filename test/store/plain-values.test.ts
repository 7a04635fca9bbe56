import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import { memory, openStore, storedEntries, storedValue } from '../support/memory-store.js'
import { MARKER_KEY } from '../support/reserved.js'
import { noise, text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

/** Plain values that look like all sorts of things. */
const plain: Record<string, Buffer> = {
  'a-empty': Buffer.alloc(0),
  'b-short': Buffer.from('x'),
  'c-zero': Buffer.from([0]),
  'd-ff': Buffer.alloc(20, 0xff),
  'e-json': Buffer.from('{"a":1}'),
  'f-large': text(100_000),
  'g-noise': noise(100)
}

async function plainBackend() {
  const backend = memory()
  for (const [key, value] of Object.entries(plain)) await backend.put(key, value)
  return backend
}

async function expectAllPlain(store: CompressedKvStore<string, Buffer>) {
  for (const [key, value] of Object.entries(plain)) {
    expect((await store.get(key))?.equals(value)).toBe(true)
    expect(store.getSync(key)?.equals(value)).toBe(true)
  }
  const many = await store.getMany(Object.keys(plain))
  expect(many.every((value, i) => value?.equals(Object.values(plain)[i]!))).toBe(true)
}

describe('values from before the database was wrapped', () => {
  it('are returned as they are', async () => {
    const { store } = await openStore({}, await plainBackend())
    await expectAllPlain(store)
    expect((await store.iterator().all()).map(([key, value]) => [key, value.length])).toEqual(
      Object.entries(plain).map(([key, value]) => [key, value.length])
    )
    expect(store.stats().read.plain).toBeGreaterThan(0)
  })

  it('are returned however large they are: maxValueSize is for envelopes, whose lengths may be lies', async () => {
    const { store } = await openStore({ maxValueSize: 10 }, await plainBackend())
    await expect(store.put('new', text(11))).rejects.toMatchObject({ code: 'CKV_VALUE_TOO_LARGE' })
    await expectAllPlain(store)
    await store.close()
  })

  it('stay readable among new ones, and after reopening', async () => {
    const { store, backend } = await openStore({}, await plainBackend())
    for (let i = 0; i < 3; i++) {
      await store.put(`new ${i}`, text(5000))
      await store.put('small', Buffer.from(`small ${i}`))
      await store.close()
      await store.open()
      await expectAllPlain(store)
      expect((await store.get(`new ${i}`))?.equals(text(5000))).toBe(true)
      expect(String(await store.get('small'))).toBe(`small ${i}`)
    }
    await store.close()
    const other = await openStore({ codec: 'zstd' }, backend)
    await expectAllPlain(other.store)
    expect((await other.store.keys().all()).length).toBe(Object.keys(plain).length + 4)
  })

  it('can be overwritten and deleted', async () => {
    const { store } = await openStore({}, await plainBackend())
    await store.put('e-json', text(5000))
    await store.del('g-noise')
    expect((await store.get('e-json'))?.equals(text(5000))).toBe(true)
    expect(await store.has('g-noise')).toBe(false)
  })

  it('can be cleared, and what comes then is read as well', async () => {
    const { store } = await openStore({}, await plainBackend())
    await store.clear()
    await store.put('k', text(5000))
    await store.close()
    await store.open()
    expect(await store.keys().all()).toEqual(['k'])
    expect((await store.get('k'))?.equals(text(5000))).toBe(true)
  })

  it('are told from envelopes by a guard that the marker keeps', async () => {
    const { store, backend } = await openStore({}, await plainBackend())
    await store.put('new', text(5000))
    await store.put('small', Buffer.from('small'))
    const marker = (await backend.get<Buffer, Buffer>(MARKER_KEY, { keyEncoding: 'buffer' }))!
    const guard = Buffer.concat([marker.subarray(25, 32), Buffer.from([0xff])])
    expect(guard.equals(Buffer.from([0, 0, 0, 0, 0, 0, 0, 0xff]))).toBe(false)
    for (const key of ['new', 'small']) {
      expect((await storedValue(backend, key)).subarray(-8)).toEqual(guard)
    }
  })

  it('an envelope with a damaged guard is not taken for a plain value', async () => {
    const { store, backend } = await openStore({}, await plainBackend())
    await store.put('new', text(5000))
    const stored = Buffer.from(await storedValue(backend, 'new'))
    stored[stored.length - 3]! ^= 4
    await backend.put('new', stored)
    await expect(store.get('new')).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  })

  it('in classic-level are read as well', async () => {
    const location = temporaryDirectory()
    const level = new Level<string, Buffer>(location, { valueEncoding: 'buffer' })
    for (const [key, value] of Object.entries(plain)) await level.put(key, value)
    await level.close()
    const store = new CompressedKvStore(new Level<string, Buffer>(location, { valueEncoding: 'buffer' }))
    await store.open()
    await expectAllPlain(store)
    await store.put('new', Buffer.from('new'))
    await store.close()
    await store.open()
    await expectAllPlain(store)
    expect(String(await store.get('new'))).toBe('new')
    await store.close()
  })
})

describe('opening and reading', () => {
  it('write nothing, with values there or not', async () => {
    for (const backend of [memory(), await plainBackend()]) {
      const before = await storedEntries(backend)
      const { store } = await openStore({ cacheBytes: 1000 }, backend)
      await store.get('e-json')
      await store.getMany(['e-json', 'missing'])
      await store.has('e-json')
      await store.iterator().all()
      await store.snapshot().close()
      await store.flush()
      expect(await storedEntries(backend)).toEqual(before)
      await store.close()
      await store.open()
      expect(await storedEntries(backend)).toEqual(before)
    }
  })

  it('and deleting write no marker', async () => {
    const { store, backend } = await openStore({}, await plainBackend())
    await store.del('e-json')
    await store.clear({ gte: 'f' })
    await store.batch([{ type: 'del', key: 'd-ff' }])
    expect((await storedEntries(backend)).length).toBe(3)
  })
})

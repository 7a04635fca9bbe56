import { describe, expect, it } from 'vitest'
import { type Codec, registerCodec } from '../../../src/index.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { failing, WRITES } from '../../support/intercept.js'
import { contents, openLogged, logOn } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise, text } from '../../support/sample-values.js'
import { track, turns } from '../../support/turns.js'
import { deflate, HeldCodec } from '../../support/user-codecs.js'
import { afterKill, BACKENDS, keysIn, NEVER, openWriteBack } from './write-back-store.js'

/** Deflate that counts its calls, and may fail. */
const counted = {
  ...deflate,
  id: 210,
  name: 'counted',
  sync: 0,
  async: 0,
  failure: undefined as Error | undefined,
  compressSync(data: Uint8Array): Uint8Array {
    counted.sync++
    if (counted.failure !== undefined) throw counted.failure
    return deflate.compressSync!(data)
  },
  async compress(data: Uint8Array): Promise<Uint8Array> {
    counted.async++
    if (counted.failure !== undefined) throw counted.failure
    return deflate.compress(data)
  }
} satisfies Codec & Record<string, unknown>
registerCodec(counted)

async function countedStore(backend = new PermanentMemoryLevel(), codec: Codec = counted) {
  Object.assign(counted, { sync: 0, async: 0, failure: undefined })
  return openWriteBack({ codec }, backend)
}

const calls = () => [counted.sync, counted.async]

describe('values are compressed once, when they are flushed', () => {
  it('those that were overwritten or deleted before never are', async () => {
    const { store } = await countedStore()
    for (let i = 0; i < 20; i++) await store.put('k', text(2000 + i))
    await store.put('gone', text(2000))
    await store.del('gone')
    await store.put('l', text(2000))
    expect(calls()).toEqual([0, 0])
    await store.flush()
    expect(calls()).toEqual([2, 0])
    expect((await store.get('k'))!.length).toBe(2019)
    expect(store.stats().written.byCodec['counted']!.values).toBe(2)
  })

  it('nor those that were overwritten after a view was taken, as long as the tables are small', async () => {
    const { store } = await countedStore()
    for (let i = 0; i < 20; i++) {
      await store.put('k', text(2000 + i))
      await store.iterator().next()
    }
    await store.flush()
    expect(calls()).toEqual([1, 0])
  })

  it('what was sealed before it was logged is not sealed again when a flush is repeated', async () => {
    const { store, backend } = await countedStore()
    await store.put('first', text(10)) // With it the store says in the backend that it has a log.
    await store.put('large', text(100_000))
    const repair = failing(backend, WRITES, new Error('refused'))
    await expect(store.flush()).rejects.toThrow('refused')
    repair()
    await store.flush()
    expect(calls()).toEqual([0, 1])
  })

  it('nothing is compressed by reads of a table', async () => {
    const { store } = await countedStore()
    await store.put('k', text(2000))
    expect((await store.get('k'))!.equals(text(2000))).toBe(true)
    expect((await store.values().all())[0]!.length).toBe(2000)
    expect(store.stats().read.values).toBe(0)
    expect(calls()).toEqual([0, 0])
  })
})

describe('values of offThreadSize and more', () => {
  it('are compressed before they are logged, once', async () => {
    const opened = await countedStore()
    const { store, fs } = opened
    const before = fs.paths().reduce((sum, path) => sum + fs.file(path).length, 0)
    await store.put('large', text(1_000_000))
    expect(calls()).toEqual([0, 1])
    expect(fs.paths().reduce((sum, path) => sum + fs.file(path).length, 0) - before).toBeLessThan(100_000)
    expect((await store.get('large'))!.equals(text(1_000_000))).toBe(true)
    expect(store.getSync('large')!.equals(text(1_000_000))).toBe(true)
    await store.flush()
    expect(calls()).toEqual([0, 1])
    expect((await store.get('large'))!.equals(text(1_000_000))).toBe(true)
    await store.put('after a kill', text(1_000_000))
    const reopened = await afterKill(opened, { codec: counted })
    expect(calls()).toEqual([0, 2])
    expect((await reopened.get('after a kill'))!.equals(text(1_000_000))).toBe(true)
  })

  it('that do not compress, or are not to be, stay raw', async () => {
    const { store } = await countedStore()
    await store.put('noise', noise(100_000))
    await store.put('none', text(100_000), { codec: 'none' })
    await store.flush()
    expect(store.stats().raw).toMatchObject({ incompressible: 1, codecNone: 1 })
    expect((await store.get('noise'))!.equals(noise(100_000))).toBe(true)
    expect((await store.get('none'))!.equals(text(100_000))).toBe(true)
  })
})

describe('the codec of a call', () => {
  it.each(Object.entries(BACKENDS))('is kept through a kill and a replay over %s', async (_, backendOf) => {
    const opened = await openWriteBack({ codec: 'none' }, backendOf())
    await opened.store.put('k', text(5000), { codec: 'zstd' })
    await opened.store.batch([
      { type: 'put', key: 'b', value: text(5000), codec: deflate },
      { type: 'put', key: 'c', value: text(5000) }
    ])
    const reopened = await afterKill(opened, { codec: 'none' })
    expect((await contents(reopened)).every(([, value]) => value === text(5000).toString())).toBe(true)
    const stored = await (reopened.backend as ReturnType<typeof backendOf>).getMany(['k', 'b', 'c'])
    expect(stored.map(envelope => envelope!.length < 1000)).toEqual([true, true, false])
  })

  it('is the one that a flush uses', async () => {
    const { store } = await openWriteBack({ codec: 'none' })
    await store.put('k', text(5000), { codec: 'zstd' })
    await store.flush()
    expect(Object.keys(store.stats().written.byCodec)).toEqual(['zstd'])
  })
})

it('a codec without synchronous forms compresses small values at the flush, which waits for it', async () => {
  const codec = new HeldCodec()
  const opened = await openWriteBack({ codec }, new PermanentMemoryLevel())
  const { store, backend } = opened
  await store.batch(['a', 'b', 'c'].map(key => ({ type: 'put' as const, key, value: text(5000) })))
  expect(codec.held.length).toBe(0)
  const flushed = store.flush()
  const flush = track(flushed)
  await turns(20)
  expect(codec.held.length).toBeGreaterThan(0)
  expect([flush.settled, await keysIn(backend)]).toEqual([false, []])
  codec.open()
  await flushed
  expect(await keysIn(backend)).toEqual(['a', 'b', 'c'])
  expect((await (await afterKill(opened)).getMany(['a', 'c'])).map(value => value!.length)).toEqual([5000, 5000])
})

it('the codec is chosen when a value is written, not when it is flushed', async () => {
  let codec: 'zstd' | 'lz4' = 'zstd'
  const { store } = await openWriteBack({ codec: () => codec })
  await store.put('k', text(5000))
  codec = 'lz4'
  await store.flush()
  expect(Object.keys(store.stats().written.byCodec)).toEqual(['zstd'])
})

it('a selector that throws rejects the write, and nothing of it is written', async () => {
  const failure = new Error('which codec?')
  const opened = await openWriteBack({
    codec: key => {
      if (key.toString() === 'bad') throw failure
      return 'lz4'
    }
  })
  const { store } = opened
  await expect(store.put('bad', text(10))).rejects.toBe(failure)
  const batch = [
    { type: 'put' as const, key: 'large', value: text(100_000) },
    { type: 'put' as const, key: 'bad', value: text(10) }
  ]
  await expect(store.batch(batch)).rejects.toBe(failure)
  await store.put('good', text(10))
  expect(await store.keys().all()).toEqual(['good'])
  expect(await (await afterKill(opened)).keys().all()).toEqual(['good'])
  expect(store.stats().writes.pending).toBe(0)
})

it('a codec that throws at a flush, or before the log, stores raw, counts and tells', async () => {
  const { store } = await countedStore()
  const told: unknown[] = []
  store.on('codecError', (event: unknown) => void told.push(event))
  await store.put('k', text(5000))
  const failure = new Error('broken codec')
  counted.failure = failure
  await store.put('large', text(100_000))
  expect(told).toEqual([{ codec: 'counted', error: failure }])
  await store.flush()
  expect(told.length).toBe(2)
  expect(store.stats().raw.codecFailed).toBe(2)
  expect(store.stats().lastCodecError).toBe(failure)
  expect(store.stats().memtable!.flushes.failed).toBe(0)
  expect((await store.get('k'))!.equals(text(5000))).toBe(true)
  expect((await store.get('large'))!.equals(text(100_000))).toBe(true)
})

it('a value above maxValueSize and a bad ttl are refused when they are written', async () => {
  const store = await openLogged(logOn(new CrashableFileSystem()), new PermanentMemoryLevel(), {
    memtable: NEVER,
    maxValueSize: 100
  })
  await expect(store.put('k', text(101))).rejects.toMatchObject({ code: 'CKV_VALUE_TOO_LARGE' })
  await expect(store.put('k', text(1), { ttl: -1 })).rejects.toMatchObject({ code: 'CKV_INVALID_OPTION' })
  await expect(store.batch([{ type: 'put', key: 'k', value: text(101) }])).rejects.toMatchObject({
    code: 'CKV_VALUE_TOO_LARGE'
  })
  expect(await store.keys().all()).toEqual([])
  expect(store.stats().writes.pending).toBe(0)
})

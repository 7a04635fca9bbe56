import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../../src/index.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { contents, contentsOf, LOG, logOn, memoryLevel, openLogged } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise, text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { track, turns } from '../../support/turns.js'
import { HeldCodec } from '../../support/user-codecs.js'
import { compiled } from '../../torture/compiled.js'
import {
  afterKill,
  BACKENDS,
  ENTRY_BYTES,
  holdWrites,
  keysIn,
  manyPuts,
  NEVER,
  openWriteBack
} from './write-back-store.js'

const VALUE = Buffer.from('value')

const flushed = (store: { once(name: string, listener: () => void): unknown }) =>
  new Promise<void>(resolve => void store.once('flush', resolve))

const bytesOfLog = (fs: CrashableFileSystem) => segments(fs).reduce((sum, path) => sum + fs.file(path).length, 0)

const segments = (fs: CrashableFileSystem) => fs.paths().filter(path => path.startsWith(LOG) && path.endsWith('.wal'))

describe.each(Object.entries(BACKENDS))('over %s', (_, backendOf) => {
  it('the table is flushed when flushBytes were written, not before', async () => {
    const flushBytes = 10 * (ENTRY_BYTES + 2 + VALUE.length)
    const { store, backend } = await openWriteBack({ memtable: { ...NEVER, flushBytes } }, backendOf())
    await Promise.all(manyPuts(store, 9, VALUE))
    await turns(20)
    expect(await keysIn(backend)).toEqual([])
    const flush = flushed(store)
    await store.put('k9', VALUE)
    await flush
    expect((await keysIn(backend)).length).toBe(10)
    expect(store.stats().memtable).toMatchObject({ entries: 0, bytes: 0, frozen: 0 })
  })

  it('values that are overwritten count as well: the log grows with them', async () => {
    const { store, backend } = await openWriteBack({ memtable: { ...NEVER, flushBytes: 2000 } }, backendOf())
    const flush = flushed(store)
    for (let i = 0; i < 20; i++) await store.put('k', Buffer.of(i))
    await flush
    expect(await keysIn(backend)).toEqual(['k'])
  })

  it('flushIntervalMs after the first write, though it is small', async () => {
    const { store, backend } = await openWriteBack({ memtable: { flushIntervalMs: 5 } }, backendOf())
    for (const key of ['a', 'b']) {
      const flush = flushed(store)
      await store.put(key, VALUE)
      await flush
      expect((await keysIn(backend)).at(-1)).toBe(key)
    }
    const flush = flushed(store)
    await store.clear({ gte: 'b' })
    await flush
    expect(await keysIn(backend)).toEqual(['a'])
  })

  it('on flush(), which waits for nothing that is written after it', async () => {
    const { store, backend } = await openWriteBack({}, backendOf())
    await store.put('before', VALUE)
    const first = holdWrites(backend)
    const flush = store.flush()
    await first.reached
    const second = holdWrites(backend)
    await store.put('after', VALUE)
    const later = track(store.flush())
    first.open()
    await flush
    await second.reached
    expect(later.settled).toBe(false)
    second.open()
  })

  it('on flush(), with every write accepted before, values under compression too', async () => {
    const codec = new HeldCodec()
    const { store, backend } = await openWriteBack({}, backendOf())
    const writes = [
      store.put('big', text(100_000), { codec }),
      store.put('small', VALUE),
      store.batch([{ type: 'put', key: 'batch', value: VALUE }])
    ]
    const flush = store.flush()
    const state = track(flush)
    await turns(20)
    expect(state.settled).toBe(false)
    codec.open()
    await flush
    expect(await keysIn(backend)).toEqual(['batch', 'big', 'small'])
    await Promise.all(writes)
  })

  it('flush() with nothing to flush resolves; two at once do too', async () => {
    const { store, backend } = await openWriteBack({}, backendOf())
    await store.flush()
    await store.put('k', VALUE)
    await Promise.all([store.flush(), store.flush(), store.put('l', VALUE), store.flush()])
    expect(await keysIn(backend)).toEqual(['k', 'l'])
    await store.flush()
    expect(store.stats().memtable!.flushes.failed).toBe(0)
  })

  it('on close(): the backend alone has everything, and so has the store that is opened again', async () => {
    const { store, backend, fs } = await openWriteBack({}, backendOf())
    await store.put('in the backend', text(5000))
    await store.flush()
    const puts = [...manyPuts(store, 50), store.put('large', text(200_000)), store.del('k0')]
    await store.close()
    await Promise.all(puts)
    expect((await keysIn(backend)).length).toBe(51)
    const again = backend instanceof PermanentMemoryLevel ? new PermanentMemoryLevel(backend.disk) : memoryLevel()
    expect((await contentsOf(logOn(fs), again, { memtable: NEVER })).length).toBe(51)
  })

  it('what is not flushed is there after a kill, in the order in which it was written', async () => {
    const opened = await openWriteBack({}, backendOf())
    const { store } = opened
    for (const key of 'abcdef') await store.put(key, VALUE)
    await store.flush()
    await store.del('a')
    await store.clear({ gte: 'c', lt: 'e' })
    await store.put('d', text(100_000))
    await store.batch([
      { type: 'put', key: 'f', value: Buffer.from('new') },
      { type: 'del', key: 'b' }
    ])
    await store.clear({ limit: 1, reverse: true })
    const expected = await contents(store)
    expect(expected.map(([key]) => key)).toEqual(['d', 'e'])
    expect(await contents(await afterKill(opened))).toEqual(expected)
  })
})

it('after close() a permanent backend needs its log no more', async () => {
  const backend = new PermanentMemoryLevel()
  const { store, fs } = await openWriteBack({}, backend)
  await store.put('in the backend', text(5000))
  await store.flush()
  await Promise.all([...manyPuts(store, 50), store.put('large', text(200_000)), store.del('k0')])
  await store.close()
  expect(segments(fs).length).toBeLessThanOrEqual(1) // The last one stays: it says how far the numbers went.
  const bare = new CompressedKvStore<string, Buffer>(new PermanentMemoryLevel(backend.disk), { wal: false })
  await bare.open()
  expect((await bare.get('large'))!.equals(text(200_000))).toBe(true)
  expect(await bare.keys({ limit: 2 }).all()).toEqual(['in the backend', 'k1'])
})

it('a write during a flush is not lost with the table that is flushed', async () => {
  const { store, backend } = await openWriteBack()
  await store.put('k', Buffer.from('old'))
  const gate = holdWrites(backend)
  const flush = store.flush()
  await gate.reached
  await store.put('k', Buffer.from('new'))
  await store.put('l', VALUE)
  expect(await store.get('k')).toEqual(Buffer.from('new'))
  gate.open()
  await flush
  expect(await keysIn(backend)).toEqual(['k'])
  expect(await store.getMany(['k', 'l'])).toEqual([Buffer.from('new'), VALUE])
  await store.flush()
  expect(await store.getMany(['k', 'l'])).toEqual([Buffer.from('new'), VALUE])
})

it('a backend batch takes at most 1,000 operations, or about 1 MiB; the last says what the backend has', async () => {
  const backend = new PermanentMemoryLevel()
  const { store } = await openWriteBack({ codec: 'none' }, backend)
  await store.put('first', VALUE)
  await store.flush()
  const before = backend.disk.batches.length
  await store.batch(Array.from({ length: 2500 }, (_, i) => ({ type: 'put' as const, key: `k${i}`, value: VALUE })))
  await store.flush()
  const sizes = backend.disk.batches.slice(before).map(({ operations }) => operations.length)
  expect(sizes).toEqual([1000, 1000, 501])
  for (const key of 'abcd') await store.put(key, noise(500_000))
  await store.flush()
  expect(backend.disk.batches.slice(before + 3).map(({ operations }) => operations.length)).toEqual([2, 3])
  expect(backend.disk.batches.slice(before).every(({ sync }) => sync)).toBe(true)
})

it('the log is begun anew after a flush, once it is large, and what it held is deleted', async () => {
  const fs = new CrashableFileSystem()
  const options = { memtable: NEVER, codec: 'none' } as const
  const store = await openLogged(logOn(fs, { segmentBytes: 1 << 27 }), new PermanentMemoryLevel(), options)
  await store.put('small', noise(1000))
  await store.flush()
  await turns(50)
  await store.put('large', noise(1_100_000))
  expect(segments(fs)).toEqual(['/log/000001.wal'])
  await store.flush()
  await turns(50)
  await store.put('more', VALUE)
  await store.flush()
  await turns(50)
  expect(segments(fs)).toEqual(['/log/000002.wal'])
  expect(bytesOfLog(fs)).toBeLessThan(500)
  await store.close()
})

it('many segments are deleted once the backend has what they hold', async () => {
  const { store, fs } = await openWriteBack({}, new PermanentMemoryLevel())
  for (let i = 0; i < 20; i++) await store.put(`k${i}`, noise(1000, i + 1))
  expect(segments(fs).length).toBeGreaterThan(10)
  await store.flush()
  for (let i = 0; i < 100 && segments(fs).length > 1; i++) await turns(10)
  expect(segments(fs).length).toBe(1)
})

it('timers keep no process alive', async () => {
  const program = compiled('test/store/write-back/unclosed-store.ts')
  const directory = temporaryDirectory()
  const { stdout } = await promisify(execFile)(process.execPath, [program, directory], { timeout: 20_000 })
  expect(stdout).toBe('written\n')
})

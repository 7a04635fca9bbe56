import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore, type MemTableOptions } from '../../../src/index.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import {
  contents,
  LOG,
  logOn,
  memoryLevel,
  openLogged,
  powerCut,
  type StoreOptions
} from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { thrownCode } from '../../support/thrown-code.js'
import { keysIn, NEVER, openWriteBack } from './write-back-store.js'

const VALUE = Buffer.from('value')
const level = (directory = temporaryDirectory()) => new Level<string, Buffer>(directory, { valueEncoding: 'buffer' })
const codeOf = (options: StoreOptions) =>
  thrownCode(() => new CompressedKvStore<string, Buffer>(memoryLevel(), options))
const withLog = (memtable: unknown) => codeOf({ wal: LOG, memtable: memtable as MemTableOptions })

describe('memtable', () => {
  it.each([
    1,
    'yes',
    null,
    { flushBytes: -1 },
    { flushBytes: 1.5 },
    { flushBytes: Number.NaN },
    { flushBytes: '1' },
    { maxBytes: -1 },
    { maxBytes: 0.5 },
    { flushIntervalMs: 0 },
    { flushIntervalMs: -1 },
    { flushIntervalMs: 1.5 },
    { flushIntervalMs: 2 ** 31 },
    { flushIntervalMs: Number.NaN }
  ])('%j is refused', memtable => {
    expect(withLog(memtable)).toBe('CKV_INVALID_OPTION')
  })

  it.each([
    undefined,
    true,
    false,
    {},
    { flushBytes: 0 },
    { flushBytes: Infinity, maxBytes: 0, flushIntervalMs: Infinity },
    { flushBytes: undefined, maxBytes: undefined, flushIntervalMs: undefined },
    { flushIntervalMs: 1 },
    { flushIntervalMs: 2 ** 31 - 1 }
  ])('%j is fine', memtable => {
    expect(withLog(memtable)).toBeUndefined()
  })

  it('is refused without a log: a crash would lose what was acknowledged', () => {
    for (const memtable of [{}, true]) {
      expect(codeOf({ wal: false, memtable })).toBe('CKV_INVALID_OPTION')
      expect(codeOf({ memtable })).toBe('CKV_INVALID_OPTION')
    }
    expect(codeOf({ wal: false, memtable: false })).toBeUndefined()
    expect(codeOf({ wal: false })).toBeUndefined()
  })

  it('is there by default with a log, and not without; false leaves it out', async () => {
    const store = await openLogged(logOn(new CrashableFileSystem()), memoryLevel(), { memtable: undefined })
    expect(store.stats().memtable).toMatchObject({ entries: 0, flushes: { count: 0 } })
    const logged = await openLogged(logOn(new CrashableFileSystem()), memoryLevel(), { memtable: false })
    expect(logged.stats().memtable).toBeUndefined()
    const plain = await openLogged(false, memoryLevel(), { memtable: undefined })
    expect(plain.stats().memtable).toBeUndefined()
    await store.close()
  })
})

describe('wal', () => {
  it('is there by default over a backend with a location, and so is the MemTable', async () => {
    const directory = temporaryDirectory()
    const store = new CompressedKvStore<string, Buffer>(level(directory))
    await store.put('k', VALUE)
    expect(store.wal).toBeDefined()
    expect(store.stats().memtable!.entries).toBe(1)
    expect(existsSync(join(directory, 'ckv-wal'))).toBe(true)
    await store.close()
    const bare = level(directory)
    expect(await keysIn(bare as never)).toEqual(['k'])
    await bare.close()
  })

  it('is not there with wal: false, over memory-level, or over a sublevel', async () => {
    const directory = temporaryDirectory()
    const written = new CompressedKvStore<string, Buffer>(level(directory), { wal: false })
    await written.put('k', VALUE)
    expect([written.wal, written.stats().memtable]).toEqual([undefined, undefined])
    expect(existsSync(join(directory, 'ckv-wal'))).toBe(false)
    await written.close()
    const root = level()
    const backends = [memoryLevel(), root.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })]
    for (const backend of backends) {
      const store = new CompressedKvStore<string, Buffer>(backend)
      await store.put('k', VALUE)
      expect([store.wal, store.stats().memtable]).toEqual([undefined, undefined])
      await expect(store.sync()).rejects.toMatchObject({ code: 'LEVEL_NOT_SUPPORTED' })
      await store.close()
    }
    await root.close()
  })
})

it('readOnly: reads and a flush work, writes are refused, and nothing is written', async () => {
  const { store: writer, backend, fs } = await openWriteBack({}, new PermanentMemoryLevel())
  await writer.put('k', VALUE)
  await writer.close()
  const { disk } = backend as PermanentMemoryLevel
  const { length } = disk.batches
  const store = await openLogged(logOn(fs), new PermanentMemoryLevel(disk), { memtable: NEVER, readOnly: true })
  expect(await contents(store)).toEqual([['k', 'value']])
  const refused = { code: 'LEVEL_READONLY' }
  await expect(store.put('l', VALUE)).rejects.toMatchObject(refused)
  await expect(store.del('k')).rejects.toMatchObject(refused)
  await expect(store.batch([{ type: 'del', key: 'k' }])).rejects.toMatchObject(refused)
  await expect(store.clear()).rejects.toMatchObject(refused)
  await store.flush()
  expect(store.stats().memtable!.entries).toBe(0)
  await store.close()
  expect(disk.batches.length).toBe(length)
})

describe('stats().memtable and the flush event', () => {
  it('say what waits and what was flushed', async () => {
    const { store } = await openWriteBack()
    const events: { entries: number; ms: number }[] = []
    store.on('flush', (event: { entries: number; ms: number }) => void events.push(event))
    await store.put('key', VALUE)
    await store.put('key', Buffer.from('longer value'))
    await store.del('other')
    expect(store.stats().memtable).toMatchObject({ entries: 2, bytes: 3 + 12 + 5, frozen: 0 })
    await store.clear({ gte: 'x' })
    await store.put('z', VALUE)
    expect(store.stats().memtable).toMatchObject({ entries: 3, frozen: 2 })
    await store.flush()
    await store.put('z', VALUE)
    await store.flush()
    expect(events.map(({ entries }) => entries)).toEqual([3, 1])
    expect(events.every(({ ms }) => ms >= 0)).toBe(true)
    const { memtable } = store.stats()
    expect(memtable).toMatchObject({ entries: 0, bytes: 0, frozen: 0, flushes: { count: 2, entries: 4, failed: 0 } })
    expect(memtable!.flushes.ms).toBeCloseTo(events.reduce((sum, { ms }) => sum + ms, 0))
    expect(store.stats().writes).toMatchObject({ calls: 5, pending: 0 })
  })

  it('are copies', async () => {
    const { store } = await openWriteBack()
    const before = store.stats()
    await store.put('k', VALUE)
    await store.flush()
    expect(before.memtable).toMatchObject({ entries: 0, flushes: { count: 0 } })
  })
})

describe('durability', () => {
  const options = { memtable: NEVER } as const
  const after = (fs: CrashableFileSystem) => openLogged(logOn(powerCut(fs, 'none')), memoryLevel(), options)

  it('what was acknowledged before sync() survives a power cut', async () => {
    const { store, fs } = await openWriteBack()
    await store.put('k', VALUE)
    await store.clear({ gte: 'x' })
    await store.put('large', Buffer.alloc(100_000))
    await store.sync()
    expect(await (await after(fs)).keys().all()).toEqual(['k', 'large'])
  })

  it('so does what was written with sync: true, and all before it', async () => {
    const writes: ((store: Awaited<ReturnType<typeof after>>) => Promise<void>)[] = [
      store => store.put('a', VALUE, { sync: true }),
      store => store.batch([{ type: 'put', key: 'a', value: VALUE }], { sync: true }),
      store => store.del('b', { sync: true }),
      store => store.clear({ gte: 'b', lt: 'c', sync: true } as object),
      store => store.clear({ gte: 'b', limit: 1, sync: true } as object)
    ]
    for (const [i, write] of writes.entries()) {
      const { store, fs } = await openWriteBack()
      await store.put(i < 2 ? 'z' : 'a', VALUE)
      if (i >= 2) await store.put('b', VALUE)
      await write(store)
      expect(await (await after(fs)).keys().all()).toEqual(i < 2 ? ['a', 'z'] : ['a'])
    }
  })

  it("and, with fsync: 'always', everything that resolved", async () => {
    const fs = new CrashableFileSystem()
    const store = await openLogged(logOn(fs, { fsync: 'always' }), memoryLevel(), options)
    await store.put('k', VALUE)
    expect(await (await after(fs)).keys().all()).toEqual(['k'])
  })

  it('what is flushed is durable in a permanent backend, with the log or without', async () => {
    const { store, backend } = await openWriteBack({}, new PermanentMemoryLevel())
    await store.put('k', VALUE)
    await store.flush()
    const disk = (backend as PermanentMemoryLevel).disk.afterCrash({ unsynced: 'none' })
    expect(await keysIn(new PermanentMemoryLevel(disk))).toEqual(['k'])
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Record, type Wal, type WalOptions } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { noise } from '../support/sample-values.js'
import { track, turns } from '../support/turns.js'
import { afterPowerCut, fill, keys, numbered, openLog, TINY_SEGMENTS } from './open-log.js'

/** A log with one record, so that its first segment is there, and how often files were synced since. */
async function counted(options: WalOptions) {
  const disk = new CrashableFileSystem()
  const fs = new FaultyFileSystem(disk)
  const { wal } = await openLog({ ...options, fs })
  await wal.append(Record.put('1', ''))
  await wal.sync()
  const before = fs.calls.sync ?? 0
  return { wal, fs, disk, syncs: () => (fs.calls.sync ?? 0) - before }
}

function appendMany(wal: Wal, from: number, to: number, options = {}): Promise<unknown>[] {
  return numbered(from, to).map(key => wal.append(Record.put(key, noise(50)), options))
}

/** What would be left if the power were cut now. */
async function durable(disk: CrashableFileSystem): Promise<string[]> {
  const { wal } = await openLog({ fs: await afterPowerCut(disk) })
  return keys(wal.read())
}

describe('always', () => {
  test('appends that wait together share one sync, and resolve when it is done', async () => {
    const { wal, fs, disk, syncs } = await counted({ fsync: 'always', codec: 'none' })
    const syncing = fs.hold('sync')
    const appends = appendMany(wal, 2, 100)
    const state = track(Promise.race(appends))
    await syncing.reached
    await turns()
    expect(state.settled).toBe(false)
    syncing()
    await Promise.all(appends)
    expect(syncs()).toBe(1)
    expect(await durable(disk)).toEqual(numbered(1, 100))
  })

  test('appends that come while one is under way share the next', async () => {
    const { wal, fs, syncs } = await counted({ fsync: 'always' })
    const syncing = fs.hold('sync')
    const first = wal.append(Record.put('2', ''))
    await syncing.reached
    const rest = appendMany(wal, 3, 50)
    await turns()
    syncing()
    await Promise.all([first, ...rest])
    expect(syncs()).toBe(2)
  })

  test('each append that is awaited is durable', async () => {
    const { wal, disk, syncs } = await counted({ fsync: 'always' })
    for (let i = 2; i <= 5; i++) {
      await wal.append(Record.put(String(i), ''))
      expect(syncs()).toBe(i - 1)
      expect(await durable(disk)).toEqual(numbered(1, i))
    }
  })
})

describe('os', () => {
  test('nothing is synced until somebody asks', async () => {
    const { wal, disk, syncs } = await counted({ fsync: 'os' })
    for (let i = 0; i < 20; i++) await Promise.all(appendMany(wal, 2 + i, 2 + i))
    await sleep(30)
    expect(syncs()).toBe(0)
    expect(await durable(disk)).toEqual(['1'])
    await wal.sync()
    expect(syncs()).toBe(1)
    expect(await durable(disk)).toEqual(numbered(1, 21))
  })

  test('a full segment is synced before the next one begins', async () => {
    const fs = new CrashableFileSystem()
    const { wal } = await openLog({ ...TINY_SEGMENTS, fs, fsync: 'os' })
    await fill(wal, 5)
    expect(await durable(fs)).toEqual(numbered(1, 4))
  })
})

describe('interval', () => {
  test('every later append is synced in its turn', async () => {
    const { wal, disk, syncs } = await counted({ fsync: 'interval', fsyncIntervalMs: 1 })
    for (let i = 2; i <= 5; i++) {
      await wal.append(Record.put(String(i), ''))
      while (syncs() < i - 1) await sleep(1)
      await turns()
      expect(await durable(disk)).toEqual(numbered(1, i))
    }
  })
})

describe('interval, by a clock that stands still', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  test('a burst, then idle, is on stable storage an interval later, with one sync', async () => {
    const { wal, disk, syncs } = await counted({ fsync: 'interval', fsyncIntervalMs: 20 })
    await Promise.all(appendMany(wal, 2, 200))
    expect(syncs()).toBe(0)
    vi.advanceTimersByTime(20)
    await turns()
    expect(syncs()).toBe(1)
    expect(await durable(disk)).toEqual(numbered(1, 200))
    vi.advanceTimersByTime(50)
    await turns()
    expect(syncs()).toBe(1)
  })

  test('an append that comes later in an interval does not bring the next sync forward', async () => {
    const { wal, syncs } = await counted({ fsync: 'interval', fsyncIntervalMs: 10 })
    await wal.append(Record.put('2', ''))
    vi.advanceTimersByTime(4)
    await wal.append(Record.put('3', ''))
    vi.advanceTimersByTime(6)
    await turns()
    const first = syncs()
    await wal.append(Record.put('4', ''))
    vi.advanceTimersByTime(9)
    await turns()
    expect(syncs()).toBe(first)
    vi.advanceTimersByTime(1)
    await turns()
    expect(syncs()).toBe(first + 1)
  })

  test('a log that is closed leaves no timer behind', async () => {
    const { wal } = await counted({ fsync: 'interval' })
    await wal.append(Record.put('2', ''))
    expect(vi.getTimerCount()).toBe(1)
    await wal.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('sync: true on a call', () => {
  test.for(['os', 'interval'] as const)("makes it durable, and what came before it (fsync: '%s')", async fsync => {
    const { wal, disk, syncs } = await counted({ fsync, fsyncIntervalMs: 1_000_000 })
    const before = appendMany(wal, 2, 10)
    await wal.append(Record.put('11', ''), { sync: true })
    expect(syncs()).toBe(1)
    expect(await durable(disk)).toEqual(numbered(1, 11))
    await Promise.all(before)
    await wal.appendBatch([Record.put('12', ''), Record.put('13', '')], { sync: true })
    expect(syncs()).toBe(2)
    expect(await durable(disk)).toEqual(numbered(1, 13))
  })

  test('those that wait together share one sync', async () => {
    const { wal, syncs } = await counted({ fsync: 'os' })
    await Promise.all(appendMany(wal, 2, 50, { sync: true }))
    expect(syncs()).toBe(1)
  })
})

describe('sync()', () => {
  test('covers everything appended before it, awaited or not, whatever its size', async () => {
    const { wal, disk } = await counted({ fsync: 'os', blockBytes: 1024 })
    const appends = [...appendMany(wal, 2, 100), wal.append(Record.put('101', noise(200_000)))]
    await wal.sync()
    expect(await durable(disk)).toEqual(numbered(1, 101))
    await Promise.all(appends)
  })

  test('covers what was appended while another sync is under way', async () => {
    const { wal, fs, disk } = await counted({ fsync: 'os' })
    await wal.append(Record.put('2', ''))
    await turns() // Nothing is being written: the sync stands alone.
    const syncing = fs.hold('sync')
    const first = wal.sync()
    await syncing.reached
    await wal.append(Record.put('3', ''))
    const second = wal.sync()
    syncing()
    await first
    await second
    expect(await durable(disk)).toEqual(numbered(1, 3))
  })

  test('calls at once share one sync', async () => {
    const { wal, syncs } = await counted({ fsync: 'os' })
    await wal.append(Record.put('2', ''))
    await Promise.all(Array.from({ length: 20 }, () => wal.sync()))
    expect(syncs()).toBe(1)
  })

  test('has nothing to do where all is synced, or nothing was ever written', async () => {
    const { wal, syncs } = await counted({ fsync: 'os' })
    await wal.sync()
    expect(syncs()).toBe(0)
    const empty = await openLog()
    await empty.wal.sync()
    expect(empty.wal.stats().fsyncs).toBe(0)
  })

  test('a sync that fails is told to whoever waits for it, and nothing is acknowledged afterwards', async () => {
    const { wal, fs, disk } = await counted({ fsync: 'os' })
    fs.fail('sync', { code: 'EIO' })
    await expect(wal.append(Record.put('2', ''), { sync: true })).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
    await expect(wal.append(Record.put('3', ''))).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
    await expect(wal.sync()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
    expect(await durable(disk)).toEqual(['1'])
  })
})

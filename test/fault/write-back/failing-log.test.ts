import { describe, expect, it } from 'vitest'
import type { MemTableOptions } from '../../../src/store/options/memtable-options.js'
import type { WalOptions } from '../../../src/wal/options.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { Gate } from '../../support/gate.js'
import { intercept, WRITES } from '../../support/intercept.js'
import { contents, contentsOf, killed, logOn, openLogged } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise } from '../../support/sample-values.js'

const IO_ERROR = { code: 'LEVEL_IO_ERROR' }

/** So little that a few writes fill it. */
const FULL_SOON: MemTableOptions = { flushBytes: 1000, maxBytes: 3000, flushIntervalMs: 1 }

async function setUp(memtable: MemTableOptions, wal: WalOptions = {}) {
  const disk = new CrashableFileSystem()
  const fs = new FaultyFileSystem(disk)
  const backend = new PermanentMemoryLevel()
  const store = await openLogged(logOn(fs, wal), backend, { memtable })
  await store.put('a', Buffer.from('A'))
  await store.flush()
  /** The backend does not answer until it is told to. */
  const stall = () => {
    const gate = new Gate()
    intercept(backend, WRITES, async ({ proceed }) => {
      await gate.wait()
      return proceed()
    })
    return gate
  }
  return { disk, fs, backend, store, stall }
}

type Setup = Awaited<ReturnType<typeof setUp>>

const afterKill = async ({ disk, backend }: Setup) =>
  keysOf(await contentsOf(logOn(killed(disk)), new PermanentMemoryLevel(backend.disk.clone())))
const afterClose = async ({ disk, backend }: Setup) =>
  keysOf(await contentsOf(logOn(disk), new PermanentMemoryLevel(backend.disk)))
const keysOf = (entries: readonly [string, string][]) => entries.map(([key]) => key)
const sizeOf = (disk: CrashableFileSystem) => disk.paths().reduce((sum, path) => sum + disk.file(path).length, 0)
const name = (i: number) => `f${String(i).padStart(2, '0')}`

/** Writes that are made at once; those that resolve, and how the others end. */
async function putMany({ store }: Setup, count: number) {
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, (_, i) => store.put(name(i), noise(500, i + 1)))
  )
  const kept = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [name(i)] : []))
  const errors = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason as Error] : []))
  return { kept, errors }
}

describe('a disk that is full while the tables are', () => {
  it.each([300, 1500, 2600])('after %d bytes more: what was acknowledged is there, then and later', async room => {
    const made = await setUp(FULL_SOON)
    const { store, fs, disk, stall } = made
    const gate = stall()
    fs.capacity(sizeOf(disk) + room)
    const deletesAgain = fs.fail('remove', { code: 'EBUSY', times: Infinity }) // Or the disk would have room for all, once the first are flushed.
    const putting = putMany(made, 12)
    await Promise.race([gate.reached, putting])
    gate.open()
    const { kept, errors } = await putting
    expect(errors.length).toBeGreaterThan(0)
    for (const error of errors) expect(error).toMatchObject({ code: 'ENOSPC' })
    expect(keysOf(await contents(store))).toEqual(['a', ...kept])
    expect(await afterKill(made)).toEqual(['a', ...kept])
    fs.capacity(Infinity)
    deletesAgain()
    await store.put('z', Buffer.from('Z'))
    await store.clear({ gte: name(0), lte: name(1) })
    const expected = ['a', ...kept.filter(key => key > name(1)), 'z']
    expect(await afterKill(made)).toEqual(expected)
    await store.close()
    expect(await afterClose(made)).toEqual(expected)
  })
})

describe('a write that the log cannot take', () => {
  it.each(['ENOSPC', 'EIO'])(
    'for %s is rejected and forgotten: nothing of it is flushed, and its room is free',
    async code => {
      const made = await setUp(FULL_SOON)
      const { store, fs } = made
      for (let i = 0; i < 10; i++) {
        fs.fail('write', { code })
        await expect(store.put('bad', noise(2500, i + 1))).rejects.toMatchObject({ code })
        fs.fail('write', { code })
        await expect(store.clear()).rejects.toMatchObject({ code })
      }
      await store.put('b', noise(2500))
      await store.flush()
      expect(await store.keys().all()).toEqual(['a', 'b'])
      await store.close()
      expect(await afterClose(made)).toEqual(['a', 'b'])
    }
  )

  it('and cannot undo poisons the log: reads see what was acknowledged, close resolves, the next opening has it', async () => {
    const made = await setUp({ flushIntervalMs: Infinity })
    const { store, fs } = made
    await store.put('b', Buffer.from('B'))
    fs.fail('write', { code: 'EIO' })
    fs.fail('truncate', { code: 'EIO' })
    await expect(store.put('c', Buffer.from('C'))).rejects.toMatchObject(IO_ERROR)
    await expect(store.put('d', Buffer.from('D'))).rejects.toMatchObject(IO_ERROR)
    await expect(store.clear()).rejects.toMatchObject(IO_ERROR)
    await expect(store.sync()).rejects.toMatchObject(IO_ERROR)
    expect(await store.keys().all()).toEqual(['a', 'b'])
    await store.close()
    expect(await afterClose(made)).toEqual(['a', 'b'])
  })
})

describe('an fsync that fails', () => {
  it.each(['interval', 'os'] as const)(
    "in a flush, with fsync: '%s', turns away who waits and who comes; close resolves and the next opening replays",
    async fsync => {
      const made = await setUp(FULL_SOON, { fsync, fsyncIntervalMs: 1 })
      const { store, fs, backend } = made
      const before = backend.disk.batches.length
      fs.fail('sync', { code: 'EIO', times: Infinity })
      const { kept, errors } = await putMany(made, 12)
      expect(errors.length).toBeGreaterThan(0)
      for (const error of errors) expect(error).toMatchObject(IO_ERROR)
      await expect(store.put('z', Buffer.from('Z'))).rejects.toMatchObject(IO_ERROR)
      await expect(store.flush()).rejects.toMatchObject(IO_ERROR)
      expect(backend.disk.batches.length, 'the backend got what the log may not have').toBe(before)
      expect(keysOf(await contents(store))).toEqual(['a', ...kept])
      await store.close()
      expect(backend.status).toBe('closed')
      expect((await afterClose(made)).filter(key => kept.includes(key))).toEqual(kept)
    }
  )

  it("with fsync: 'always' rejects the write, which no reader and no flush sees", async () => {
    const made = await setUp(FULL_SOON, { fsync: 'always' })
    const { store, fs } = made
    await store.put('b', Buffer.from('B'))
    fs.fail('sync', { code: 'EIO', times: Infinity })
    await expect(store.put('c', Buffer.from('C'))).rejects.toMatchObject(IO_ERROR)
    await expect(store.batch([{ type: 'del', key: 'a' }])).rejects.toMatchObject(IO_ERROR)
    expect(await store.keys().all()).toEqual(['a', 'b'])
    await store.close()
    // 'c' was written, and nobody was told how it ended.
    expect((await afterClose(made)).slice(0, 2)).toEqual(['a', 'b'])
  })
})

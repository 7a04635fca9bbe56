// oxlint-disable vitest/no-conditional-expect -- what is expected depends on where the fault falls
import { describe, expect, test } from 'vitest'
import { Record } from '../../../src/wal/format/record.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { killed, powerCut } from '../../support/logged-store.js'
import { ForgetfulFileSystem } from './forgetful-file-system.js'
import { openLog } from './log-disk.js'
import { keysOf, ToldAppends } from './told-appends.js'

const SEGMENT = /\.wal$/
const options = { segmentBytes: 1300, codec: 'none' } as const

function disk(): { memory: CrashableFileSystem; fs: FaultyFileSystem } {
  const memory = new CrashableFileSystem()
  return { memory, fs: new FaultyFileSystem(memory) }
}

describe('a write that fails', () => {
  test.each(['always', 'interval', 'os'] as const)(
    "is undone, its caller told, and the log goes on, with fsync: '%s'",
    async fsync => {
      for (let after = 0; ; after++) {
        const { memory, fs } = disk()
        const { wal } = await openLog(fs, { ...options, fsync })
        fs.fail('writeSync', { code: 'EIO', after, path: SEGMENT })
        const told = new ToldAppends()
        for (let i = 0; i < 20; i++) await told.append(wal)
        // The last write of all is that of the seal.
        const atClose = told.rejected.length === 0
        if (!atClose) expect(told.codes, `write ${after}`).toEqual(['EIO'])
        expect(await keysOf(wal), `write ${after}`).toEqual(told.acknowledged)
        if (atClose) await expect(wal.close()).rejects.toMatchObject({ code: 'EIO' })
        else await wal.close()
        for (const unsynced of ['all', 'none'] as const) {
          if (atClose && unsynced === 'none') continue
          const { wal: again } = await openLog(powerCut(memory, unsynced))
          expect(await keysOf(again), `write ${after}, unsynced ${unsynced}`).toEqual(told.acknowledged)
          expect(again.nextSequence).toBe(told.acknowledged.length + 1)
          await again.close()
        }
        expect(memory.openHandles, `write ${after}`).toBe(0)
        if (!atClose) continue
        expect(after).toBeGreaterThan(20)
        break
      }
    }
  )

  test('is undone when a part of it, or of the frames with it, had been written', async () => {
    for (const maxBytes of [1, 30, 56, 57, 100, 250]) {
      const { memory, fs } = disk()
      const { wal } = await openLog(fs, { codec: 'none' })
      const told = new ToldAppends()
      await told.append(wal, { bytes: 200 })
      fs.shortWrites(maxBytes)
      fs.fail('writeSync', { code: 'EIO', after: 1, path: SEGMENT })
      await told.append(wal, { bytes: 300 })
      fs.shortWrites(Infinity)
      await told.append(wal)
      expect(told.codes).toEqual(['EIO'])
      memory.crash()
      const { wal: again, recovery } = await openLog(powerCut(memory, 'all'))
      expect(await keysOf(again)).toEqual(told.acknowledged)
      expect(recovery.bytesTruncated).toBe(0)
      await again.close()
    }
  })

  test('of a frame larger than what is written at once is undone as well', async () => {
    const { memory, fs } = disk()
    const { wal } = await openLog(fs, { codec: 'none' })
    const told = new ToldAppends()
    await told.append(wal)
    fs.fail('write', { code: 'EIO', after: 1, path: SEGMENT })
    await told.append(wal, { bytes: 1_000_000 })
    await told.append(wal)
    await told.append(wal, { bytes: 1_000_000 })
    expect(told.codes).toEqual(['EIO'])
    expect(await keysOf(wal)).toEqual(told.acknowledged)
    memory.crash()
    const { wal: again } = await openLog(powerCut(memory, 'all'))
    expect(await keysOf(again)).toEqual(told.acknowledged)
    await again.close()
  })

  test('and cannot be undone poisons the log: nothing is written until it is opened again', async () => {
    for (let after = 1; after < 12; after++) {
      const { memory, fs } = disk()
      const { wal } = await openLog(fs, { ...options, fsync: 'always' })
      const told = new ToldAppends()
      fs.fail('writeSync', { code: 'EIO', after, path: SEGMENT })
      fs.fail('truncate', { code: 'EIO' })
      for (let i = 0; i < 12; i++) await told.append(wal)
      // The header of a segment is not truncated: the file is removed.
      if (told.codes.length === 1) {
        expect(told.codes).toEqual(['EIO'])
      } else {
        expect(new Set(told.codes), `write ${after}`).toEqual(new Set(['LEVEL_IO_ERROR']))
        expect(told.acknowledged.length + told.rejected.length).toBe(12)
        await expect(wal.sync()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
      }
      expect(await keysOf(wal)).toEqual(told.acknowledged)
      await expect(wal.close()).resolves.toBeUndefined()
      expect(memory.openHandles, `write ${after}`).toBe(0)

      const { wal: again } = await openLog(fs, { ...options, fsync: 'always' })
      expect(await keysOf(again), `write ${after}`).toEqual(told.acknowledged)
      await told.append(again)
      await again.close()
      const { wal: last } = await openLog(powerCut(memory, 'none'))
      expect(await keysOf(last), `write ${after}`).toEqual(told.acknowledged)
      await last.close()
    }
  })
})

describe('a sync that fails', () => {
  test("poisons the log for good, with fsync: 'always': what it did not put on disk is never acknowledged", async () => {
    let poisoned = 0
    for (let after = 0; after < 24; after++) {
      const { memory, fs } = disk()
      const { wal } = await openLog(fs, { ...options, fsync: 'always' })
      fs.fail('sync', { code: 'EIO', after, path: SEGMENT })
      const told = new ToldAppends()
      for (let i = 0; i < 20; i++) await told.append(wal)
      if (told.rejected.length === 0) {
        await wal.close().catch((error: unknown) => expect(error).toMatchObject({ code: 'LEVEL_IO_ERROR' }))
        continue
      }
      // The sync of a new segment's header is none of written records: the file is removed, and the log goes on.
      if (told.codes[0] === 'EIO') expect(told.rejected).toHaveLength(1)
      else {
        poisoned++
        expect(new Set(told.codes), `sync ${after}`).toEqual(new Set(['LEVEL_IO_ERROR']))
        expect(told.rejected, `sync ${after}`).toHaveLength(20 - told.acknowledged.length)
        await expect(wal.sync()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
      }
      await expect(wal.close()).resolves.toBeUndefined()
      for (const unsynced of ['all', 'none'] as const) {
        const { wal: again } = await openLog(powerCut(memory, unsynced))
        const keys = await keysOf(again)
        expect(keys.slice(0, told.acknowledged.length), `sync ${after}`).toEqual(told.acknowledged)
        await told.append(again)
        told.acknowledged.pop()
        await again.close()
      }
    }
    expect(poisoned).toBeGreaterThan(15)
  })

  test.each(['interval', 'os'] as const)("fails sync() and every later call, with fsync: '%s'", async fsync => {
    const { memory, fs } = disk()
    const { wal } = await openLog(fs, { fsync, fsyncIntervalMs: 60_000 })
    const told = new ToldAppends()
    await told.append(wal)
    fs.fail('sync', { code: 'EIO', path: SEGMENT })
    await expect(wal.sync()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR', cause: { code: 'EIO' } })
    await expect(wal.sync()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
    expect(await told.append(wal)).toMatchObject({ code: 'LEVEL_IO_ERROR' })
    expect(await told.append(wal, { sync: true })).toMatchObject({ code: 'LEVEL_IO_ERROR' })
    await expect(wal.close()).resolves.toBeUndefined()
    expect(memory.openHandles).toBe(0)
    const { wal: again } = await openLog(fs)
    expect(await keysOf(again)).toEqual(told.acknowledged)
    await again.close()
  })

  test("of the timer, with fsync: 'interval', is told to whoever writes next", async () => {
    const { fs } = disk()
    const { wal } = await openLog(fs, { fsync: 'interval', fsyncIntervalMs: 1 })
    const told = new ToldAppends()
    await told.append(wal, { sync: true })
    fs.fail('sync', { code: 'EIO', path: SEGMENT })
    await told.append(wal)
    for (let i = 0; i < 400 && told.rejected.length === 0; i++) {
      await new Promise(resolve => setTimeout(resolve, 5))
      await told.append(wal)
    }
    expect(told.codes).toEqual(['LEVEL_IO_ERROR'])
    await expect(wal.close()).resolves.toBeUndefined()
    const { wal: again } = await openLog(fs)
    expect(await keysOf(again)).toEqual(told.acknowledged)
    await again.close()
  })

  test('though later ones succeed does not let a power cut take what is acknowledged afterwards', async () => {
    let failing = 1
    for (; failing < 100; failing++) {
      const memory = new CrashableFileSystem()
      const fs = new ForgetfulFileSystem(memory, failing)
      const told = new ToldAppends()
      for (let session = 0; session < 2; session++) {
        // Opening may be what fails; then it is tried again.
        const opened = await openLog(fs, { ...options, fsync: 'always' }).catch(() => undefined)
        if (opened === undefined) continue
        for (let i = 0; i < 15; i++) await told.append(opened.wal)
        await opened.wal.close().catch(() => {})
      }
      const { wal } = await openLog(powerCut(memory, 'none')).catch((error: unknown) => {
        throw new Error(`sync ${failing}`, { cause: error })
      })
      const keys = new Set(await keysOf(wal))
      expect(
        told.acknowledged.filter(key => !keys.has(key)),
        `sync ${failing}`
      ).toEqual([])
      await wal.close()
      if (fs.syncs < failing) break
    }
    expect(failing).toBeGreaterThan(20)
  })
})

test('a sync that fails of a segment which a killed process sealed is not followed by acknowledged appends', async () => {
  const memory = new CrashableFileSystem()
  const { wal } = await openLog(memory)
  await wal.append(Record.put('key 0', 'key 0'))
  await wal.sync()
  // The seal is written, and the process killed before it is on disk.
  memory.crashAt(memory.steps + 2)
  await wal.close().catch(() => {})
  const left = killed(memory)

  const fs = new ForgetfulFileSystem(left, 1)
  const told = new ToldAppends()
  for (let session = 0; session < 2; session++) {
    const opened = await openLog(fs, { fsync: 'always' })
    for (let i = 0; i < 3; i++) await told.append(opened.wal)
    await opened.wal.close()
  }
  expect(told.rejected.length).toBeGreaterThan(0)
  const { wal: last } = await openLog(powerCut(left, 'none'))
  expect(await keysOf(last)).toEqual(['key 0', ...told.acknowledged])
  await last.close()
})

test('a sync that fails of a segment which was sealed before leaves its records readable', async () => {
  const { memory, fs } = disk()
  const told = new ToldAppends()
  const { wal: first } = await openLog(fs, options)
  for (let i = 0; i < 40; i++) await told.append(first)
  await first.close()
  const { wal } = await openLog(fs, options)
  const last = wal.nextSequence - 1
  fs.fail('sync', { code: 'EIO', path: SEGMENT })
  expect(await told.append(wal)).toMatchObject({ code: 'LEVEL_IO_ERROR' })
  expect(await keysOf(wal)).toEqual(told.acknowledged)
  expect((await wal.get(last)).key.toString()).toBe(told.acknowledged.at(-1))
  await wal.close()
  const { wal: again } = await openLog(powerCut(memory, 'none'))
  expect(await keysOf(again)).toEqual(told.acknowledged)
  await again.close()
})

describe('a directory that cannot be synced, or a file that cannot be opened, made or closed', () => {
  const calls = [
    ['syncDirectory', 'EIO'],
    ['open', 'EMFILE'],
    ['open', 'EACCES'],
    ['close', 'EIO']
  ] as const

  test.each(calls)('(%s: %s) fails one append at most, and leaves no handle open', async (call, code) => {
    for (let after = 0; after < 8; after++) {
      const { memory, fs } = disk()
      const { wal } = await openLog(fs, { ...options, fsync: 'always' })
      fs.fail(call, { code, after, path: call === 'syncDirectory' ? /./ : SEGMENT })
      const told = new ToldAppends()
      for (let i = 0; i < 40; i++) await told.append(wal)
      expect(told.codes.length, `${call} ${after}`).toBeLessThanOrEqual(1)
      expect(
        told.codes.every(other => other === code),
        `${call} ${after}`
      ).toBe(true)
      await wal.close().catch((error: unknown) => expect(error).toMatchObject({ code }))
      expect(memory.openHandles, `${call} ${after}`).toBe(0)
      const { wal: again } = await openLog(powerCut(memory, 'none'))
      expect(await keysOf(again), `${call} ${after}`).toEqual(told.acknowledged)
      await again.close()
    }
  })

  test.each([...calls, ['read', 'EIO'] as const])(
    '(%s: %s) fails one append at most of a log that was opened again',
    async (call, code) => {
      for (let after = 0; after < 8; after++) {
        const { memory, fs } = disk()
        const told = new ToldAppends()
        const { wal: first } = await openLog(fs, options)
        await told.append(first)
        await first.close()
        const { wal } = await openLog(fs, options)
        fs.fail(call, { code, after })
        for (let i = 0; i < 40; i++) await told.append(wal)
        expect(told.codes.length, `${call} ${after}`).toBeLessThanOrEqual(1)
        expect(told.codes.filter(other => other !== code)).toEqual([])
        expect(await keysOf(wal).catch(() => keysOf(wal)), `${call} ${after}`).toEqual(told.acknowledged)
        await wal.close().catch((error: unknown) => expect(error).toMatchObject({ code }))
        expect(memory.openHandles, `${call} ${after}`).toBe(0)
      }
    }
  )

  test('and whose half-made segment cannot be removed either poisons the log', async () => {
    const { memory, fs } = disk()
    const { wal } = await openLog(fs)
    fs.fail('syncDirectory', { code: 'EIO' })
    fs.fail('remove', { code: 'EIO', path: SEGMENT })
    const told = new ToldAppends()
    for (let i = 0; i < 3; i++) await told.append(wal)
    expect(told.codes).toEqual(['LEVEL_IO_ERROR', 'LEVEL_IO_ERROR', 'LEVEL_IO_ERROR'])
    await expect(wal.close()).resolves.toBeUndefined()
    expect(memory.openHandles).toBe(0)
    const { wal: again } = await openLog(fs)
    expect(await keysOf(again)).toEqual([])
    await told.append(again)
    expect(await keysOf(again)).toEqual(told.acknowledged)
    await again.close()
  })
})

test('a log that is refused says why, also where its lock cannot be removed', async () => {
  const { memory, fs } = disk()
  memory.put('/log/000001.wal', Buffer.alloc(500, 1))
  fs.fail('remove', { code: 'EACCES', path: /LOCK$/ })
  await expect(openLog(fs)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
})

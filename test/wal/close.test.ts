import { expect, test } from 'vitest'
import { Record } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { noise } from '../support/sample-values.js'
import { rejectedCode } from '../support/thrown-code.js'
import { track, turns } from '../support/turns.js'
import { afterPowerCut, DIRECTORY, fill, keys, numbered, openLog } from './open-log.js'

test('appends that nobody awaited are written, whatever their size and codec', async () => {
  const { wal, fs } = await openLog({ blockBytes: 1024, segmentBytes: 10_000 })
  const appends = numbered(1, 100).map((key, i) =>
    wal.append(Record.put(key, noise(i % 10 === 0 ? 30_000 : 50)), { sync: i % 7 === 0 })
  )
  await wal.close()
  await Promise.all(appends)
  const again = await openLog({ fs })
  expect(await keys(again.wal.read())).toEqual(numbered(1, 100))
  expect(again.recovery.corruption).toEqual([])
})

test('what is closed is on stable storage, under every policy', async () => {
  for (const fsync of ['always', 'interval', 'os'] as const) {
    const { wal, fs } = await openLog({ fsync, fsyncIntervalMs: 1_000_000 })
    await fill(wal, 3)
    await wal.close()
    const again = await openLog({ fs: await afterPowerCut(fs) })
    expect(await keys(again.wal.read())).toEqual(numbered(1, 3))
  }
})

test('it can be called again, at once and later', async () => {
  const { wal } = await openLog()
  await fill(wal, 1)
  expect(await Promise.all([wal.close(), wal.close()])).toEqual([undefined, undefined])
  expect(await wal.close()).toBeUndefined()
  expect(await wal[Symbol.asyncDispose]()).toBeUndefined()
})

test('a log is closed where `await using` ends', async () => {
  const disk = new CrashableFileSystem()
  {
    await using wal = (await openLog({ fs: disk })).wal
    await fill(wal, 1)
  }
  expect(disk.openHandles).toBe(0)
  expect(await keys((await openLog({ fs: disk })).wal.read())).toEqual(['1'])
})

test('a reader that was begun just before gets everything', async () => {
  const { wal } = await openLog()
  await fill(wal, 2)
  const reading = [keys(wal.read()), keys(wal.read({ from: 2 })), keys(wal.read({ follow: true }))]
  const append = wal.append(Record.put('late', ''))
  await wal.close()
  await append
  const [all, fromTwo, followed] = await Promise.all(reading)
  expect(all).toEqual(numbered(1, 2))
  expect(fromTwo).toEqual(['2'])
  expect(followed).toEqual([...numbered(1, 2), 'late'])
})

test('whatever comes after it is refused', async () => {
  const { wal, fs } = await openLog()
  const at = await wal.append(Record.put('1', ''))
  const closing = wal.close()
  const calls = [
    () => wal.append(Record.put('k', 'v')),
    () => wal.appendBatch([Record.put('k', 'v')]),
    () => wal.appendBatch([]),
    () => wal.sync(),
    () => wal.get(1),
    () => wal.get(at),
    () => wal.read().next(),
    () => wal.deleteSegmentsBefore(at)
  ]
  for (const call of calls) expect(await rejectedCode(call())).toBe('LEVEL_DATABASE_NOT_OPEN')
  await closing
  for (const call of calls) expect(await rejectedCode(call())).toBe('LEVEL_DATABASE_NOT_OPEN')
  expect(await keys((await openLog({ fs })).wal.read())).toEqual(['1'])
})

test('it leaves no file open and no lock', async () => {
  const fs = new CrashableFileSystem()
  const { wal } = await openLog({ fs, codec: 'none', blockBytes: 1024, segmentBytes: 2048 })
  await fill(wal, 30)
  for (let sequence = 1; sequence <= 30; sequence++) await wal.get(sequence)
  await keys(wal.read())
  await wal.close()
  expect(fs.openHandles).toBe(0)
  expect(fs.paths().every(path => path.endsWith('.wal'))).toBe(true)
})

test('it is done when the files of readers are closed', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ fs })
  await fill(wal, 1)
  await wal.get(1)
  const [writers, readers] = [fs.hold('close'), fs.hold('close')]
  const state = track(wal.close())
  await writers.reached
  writers()
  await readers.reached
  await turns()
  expect(state.settled).toBe(false)
  readers()
  await turns()
  expect(state.settled).toBe(true)
})

test('a seal that cannot be written is told, and everything is let go of all the same', async () => {
  const disk = new CrashableFileSystem()
  const fs = new FaultyFileSystem(disk)
  const { wal } = await openLog({ fs, fsync: 'always' })
  await fill(wal, 2)
  fs.fail('write', { code: 'ENOSPC' })
  await expect(wal.close()).rejects.toMatchObject({ code: 'ENOSPC' })
  expect(disk.openHandles).toBe(0)
  expect(disk.paths()).toEqual([`${DIRECTORY}/000001.wal`])
  expect(await keys((await openLog({ fs })).wal.read())).toEqual(numbered(1, 2))
})

test('a log that cannot be written any more closes, and all that was acknowledged is there', async () => {
  const disk = new CrashableFileSystem()
  const fs = new FaultyFileSystem(disk)
  const { wal } = await openLog({ fs, fsync: 'always' })
  await fill(wal, 2)
  fs.fail('sync', { code: 'EIO' })
  await expect(fill(wal, 1)).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
  await wal.close()
  expect(disk.openHandles).toBe(0)
  expect((await keys((await openLog({ fs })).wal.read())).slice(0, 2)).toEqual(numbered(1, 2))
})

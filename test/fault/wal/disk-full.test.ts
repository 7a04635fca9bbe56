// oxlint-disable vitest/no-conditional-expect -- what is expected depends on where the fault falls
import { describe, expect, test } from 'vitest'
import type { WalEvent } from '../../../src/index.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { killed, powerCut } from '../../support/logged-store.js'
import { noise } from '../../support/sample-values.js'
import { diskWith, openLog } from './log-disk.js'
import { sampleLog } from './sample-log.js'
import { keysOf, ToldAppends } from './told-appends.js'

const options = { segmentBytes: 1300, codec: 'none' } as const
/** More than the lock and twenty records of 40 bytes take. */
const ENOUGH = 4000

describe.each(['always', 'interval', 'os'] as const)("a disk that is full, with fsync: '%s'", fsync => {
  test('at any byte loses nothing that was acknowledged, before, while and after there is room again', async () => {
    let failed = 0
    for (let bytes = 0; bytes < ENOUGH; bytes += 61) {
      const memory = new CrashableFileSystem()
      const fs = new FaultyFileSystem(memory)
      fs.capacity(bytes)
      const told = new ToldAppends()
      const opened = await openLog(fs, { ...options, fsync }).catch((error: unknown) => {
        expect(error, `full at ${bytes}`).toMatchObject({ code: 'LEVEL_IO_ERROR', cause: { code: 'ENOSPC' } })
        expect(memory.paths(), `full at ${bytes}`).toEqual([])
        expect(memory.openHandles).toBe(0)
        return undefined
      })
      if (opened === undefined) continue
      const { wal } = opened
      for (let i = 0; i < 20; i++) await told.append(wal, { bytes: i % 3 === 0 ? 200 : 40 })
      expect(
        told.codes.every(code => code === 'ENOSPC'),
        `full at ${bytes}`
      ).toBe(true)
      failed += told.rejected.length
      fs.capacity(Infinity)
      for (let i = 0; i < 6; i++) expect(await told.append(wal, { sync: i === 5 }), `full at ${bytes}`).toBeUndefined()
      expect(await keysOf(wal), `full at ${bytes}`).toEqual(told.acknowledged)
      for (const disk of [killed(memory), powerCut(memory, 'none')]) {
        const { wal: again, recovery } = await openLog(disk)
        expect(await keysOf(again), `full at ${bytes}`).toEqual(told.acknowledged)
        expect(recovery.bytesTruncated, `full at ${bytes}`).toBe(0)
        await again.close()
      }
      await wal.close()
      expect(memory.openHandles, `full at ${bytes}`).toBe(0)
    }
    expect(failed).toBeGreaterThan(0)
  })

  test('when the log is closed loses nothing, and the next open goes on', async () => {
    for (let room = 0; room < 80; room += 3) {
      const memory = new CrashableFileSystem()
      const fs = new FaultyFileSystem(memory)
      const { wal } = await openLog(fs, { fsync })
      const told = new ToldAppends()
      for (let i = 0; i < 3; i++) await told.append(wal)
      const used = memory.paths().reduce((sum, path) => sum + memory.file(path).length, 0)
      fs.capacity(used + room)
      await wal.close().catch((error: unknown) => expect(error).toMatchObject({ code: 'ENOSPC' }))
      expect(memory.openHandles, `room for ${room}`).toBe(0)
      fs.capacity(Infinity)
      const { wal: again } = await openLog(fs)
      expect(await keysOf(again), `room for ${room}`).toEqual(told.acknowledged)
      await told.append(again)
      expect(await keysOf(again), `room for ${room}`).toEqual(told.acknowledged)
      await again.close()
    }
  })
})

test('frames that wait together for a write that finds no room are all undone, and all told', async () => {
  for (let room = 0; room < 5000; room += 150) {
    const memory = new CrashableFileSystem()
    const fs = new FaultyFileSystem(memory)
    const { wal } = await openLog(fs, { codec: 'none' })
    const told = new ToldAppends()
    await told.append(wal)
    fs.capacity(memory.paths().reduce((sum, path) => sum + memory.file(path).length, 0) + room)
    await Promise.all(Array.from({ length: 12 }, () => told.append(wal, { bytes: 400 })))
    fs.capacity(Infinity)
    await told.append(wal)
    const before = new Set(told.acknowledged)
    expect(told.rejected.every(({ key }) => !before.has(key))).toBe(true)
    expect((await keysOf(wal)).sort(), `room for ${room}`).toEqual([...told.acknowledged].sort())
    const { wal: again } = await openLog(killed(memory))
    expect((await keysOf(again)).sort(), `room for ${room}`).toEqual([...told.acknowledged].sort())
    await again.close()
    await wal.close()
  }
})

test('a log that finds no room for the copy of its last segment keeps what is torn off once, and tells of it once', async () => {
  const { files } = await sampleLog({ batches: [3, 1, 4], closed: false })
  const torn = Buffer.concat([files['000001.wal']!, noise(300)])
  const memory = diskWith({ '000001.wal': torn })
  const fs = new FaultyFileSystem(memory)
  const told: string[] = []
  const onEvent = ({ type }: WalEvent) => void told.push(type)
  for (let room = 300; room < 900; room += 20) {
    fs.capacity(memory.paths().reduce((sum, path) => sum + memory.file(path).length, 0) + room)
    const opened = await openLog(fs, { onEvent }).catch(() => undefined)
    await opened?.wal.close()
    const kept = memory.paths().filter(path => path.includes('.torn-'))
    expect([kept.length, told.filter(type => type === 'truncated').length]).toEqual(opened ? [1, 1] : [0, 0])
    if (opened !== undefined) break
  }
  expect(told).toContain('truncated')
})

test('a log that finds no room while it is opened is opened when there is', async () => {
  const { files, lines } = await sampleLog({ batches: [3, 1, 4], closed: false })
  const torn = { '000001.wal': Buffer.concat([files['000001.wal']!, noise(300)]) }
  for (let room = 0; room < 1600; room += 37) {
    const memory = diskWith(torn)
    const fs = new FaultyFileSystem(memory)
    fs.capacity(room)
    const opened = await openLog(fs).catch((error: unknown) => {
      const code = String((error as { code?: unknown }).code)
      expect(['ENOSPC', 'LEVEL_IO_ERROR'], `room for ${room}`).toContain(code)
      return undefined
    })
    await opened?.wal.close()
    expect(memory.openHandles, `room for ${room}`).toBe(0)
    fs.capacity(Infinity)
    // What is cut off is kept under the time, in ms.
    await new Promise(resolve => setTimeout(resolve, 2))
    const { wal } = await openLog(fs)
    expect(wal.nextSequence, `room for ${room}`).toBe(lines.length + 1)
    const told = new ToldAppends()
    await told.append(wal)
    await wal.close()
    const kept = memory.paths().filter(path => path.includes('.torn-'))
    expect(
      kept.some(path => memory.file(path).equals(noise(300))),
      `room for ${room}`
    ).toBe(true)
  }
})

// oxlint-disable vitest/no-conditional-expect -- what is expected depends on where the fault falls
import { describe, expect, test } from 'vitest'
import { nodeFileSystem } from '../../../src/fs/node-file-system.js'
import { Record } from '../../../src/wal/format/record.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem, type FileCall } from '../../support/faulty-file-system.js'
import { LISTS_OPEN_FILES, openIn } from '../../support/open-files.js'
import { noise } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { diskWith, lineOf, linesOf, openLog } from './log-disk.js'
import { sampleLog } from './sample-log.js'
import { keysOf, ToldAppends } from './told-appends.js'

const SEGMENT = /\.wal$/
const options = { segmentBytes: 1300, codec: 'none' } as const

describe('a file system that takes only some of the bytes of a write', () => {
  test.each([1, 2, 7, 56, 57, 511])('the log goes on after writes of at most %i bytes', async maxBytes => {
    const memory = new CrashableFileSystem()
    const fs = new FaultyFileSystem(memory)
    fs.shortWrites(maxBytes)
    const told = new ToldAppends()
    const { wal } = await openLog(fs, { ...options, fsync: 'always' })
    for (let i = 0; i < 20; i++) await told.append(wal, { bytes: 150 })
    await wal.close()
    expect(told.rejected).toEqual([])
    const { wal: again } = await openLog(memory)
    expect(await keysOf(again)).toEqual(told.acknowledged)
    await again.close()
  })

  test('are gone on with in a frame that is written off the calling thread, and in a copy that is sealed', async () => {
    const memory = new CrashableFileSystem()
    const fs = new FaultyFileSystem(memory)
    fs.shortWrites(9999)
    const { wal } = await openLog(fs, { codec: 'none' })
    const told = new ToldAppends()
    await told.append(wal, { bytes: 500_000 })
    fs.fail('writeSync', { code: 'EIO', times: 99, path: SEGMENT })
    await expect(wal.close()).rejects.toMatchObject({ code: 'EIO' })
    const short = new FaultyFileSystem(memory)
    short.shortWrites(777)
    const { wal: again, recovery } = await openLog(short)
    expect(recovery.bytesTruncated).toBe(0)
    expect(await keysOf(again)).toEqual(told.acknowledged)
    await again.close()
  })
})

test('a file system that writes nothing, and gives no reason, is an error, and the log goes on', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog(fs, options)
  const told = new ToldAppends()
  await told.append(wal)
  fs.shortWrites(0)
  await expect(wal.append(Record.put('k', 'v'))).rejects.toThrow('writes nothing')
  fs.shortWrites(Infinity)
  await told.append(wal)
  expect(await keysOf(wal)).toEqual(told.acknowledged)
  await wal.close()
})

test('reads that give a few bytes at a time are gone on with', async () => {
  const { files, lines } = await sampleLog({ batches: [60, 40, 2, 1], ...options, closed: false })
  const fs = new FaultyFileSystem(diskWith(files))
  fs.shortReads(7)
  const { wal } = await openLog(fs, options)
  expect(await linesOf(wal)).toEqual(lines)
  for (const [i, line] of lines.entries()) expect(lineOf(await wal.get(i + 1))).toBe(line)
  await wal.close()
})

test('a file that became shorter while the log was open is an error, not a wait without end', async () => {
  const memory = new CrashableFileSystem()
  const { wal } = await openLog(memory, options)
  await wal.append(Record.put('k', 'v'.repeat(500)))
  memory.put('/log/000001.wal', memory.file('/log/000001.wal').subarray(0, 200))
  await expect(wal.get(1)).rejects.toMatchObject({ code: 'EIO', message: expect.stringContaining('shorter') })
})

describe('a write that a signal interrupts', () => {
  test('is tried again', async () => {
    const fs = new FaultyFileSystem(new CrashableFileSystem())
    const { wal } = await openLog(fs)
    const told = new ToldAppends()
    for (let i = 0; i < 10; i++) {
      fs.fail('writeSync', { code: 'EINTR', times: 3, path: SEGMENT })
      await told.append(wal)
    }
    expect(told.rejected).toEqual([])
    expect(await keysOf(wal)).toEqual(told.acknowledged)
    await wal.close()
  })

  test('without end is an error, and undone', async () => {
    const fs = new FaultyFileSystem(new CrashableFileSystem())
    const { wal } = await openLog(fs)
    const told = new ToldAppends()
    await told.append(wal)
    const calm = fs.fail('writeSync', { code: 'EINTR', times: Infinity, path: SEGMENT })
    expect(await told.append(wal)).toMatchObject({ code: 'EINTR' })
    calm()
    await told.append(wal)
    expect(await keysOf(wal)).toEqual(told.acknowledged)
    await wal.close()
  })

  test('off the calling thread is tried again or undone', async () => {
    const memory = new CrashableFileSystem()
    const fs = new FaultyFileSystem(memory)
    const { wal } = await openLog(fs, { codec: 'none' })
    const told = new ToldAppends()
    await told.append(wal)
    fs.fail('write', { code: 'EINTR', after: 1, times: 1, path: SEGMENT })
    await told.append(wal, { bytes: 400_000 })
    await told.append(wal)
    expect(told.codes.filter(code => code !== 'EINTR')).toEqual([])
    expect(await keysOf(wal)).toEqual(told.acknowledged)
    await wal.close()
  })
})

test('every file that reading opened is closed once, when the log is', async () => {
  const memory = new CrashableFileSystem()
  const { wal } = await openLog(memory, options)
  const told = new ToldAppends()
  for (let i = 0; i < 40; i++) await told.append(wal)
  for (let sequence = 1; sequence <= 40; sequence++) await wal.get(sequence)
  await wal.close()
  expect(memory.openHandles).toBe(0)
})

/** All that opening a log calls, but for taking and letting go of its lock. */
const callsOfOpening: readonly (readonly [FileCall, string])[] = [
  ['open', 'EMFILE'],
  ['open', 'EINTR'],
  ['open', 'EACCES'],
  ['list', 'EMFILE'],
  ['size', 'EIO'],
  ['read', 'EINTR'],
  ['close', 'EIO'],
  ['createWith', 'EMFILE'],
  ['makeDirectory', 'EMFILE'],
  ['syncDirectory', 'EMFILE'],
  ['writeSync', 'EIO'],
  ['sync', 'EIO'],
  ['rename', 'EACCES'],
  ['remove', 'EACCES']
]

describe('opening a log with a torn end, when a call fails', () => {
  test.each(callsOfOpening)(
    '(%s: %s) fails cleanly, leaves nothing open, and works the next time',
    async (call, code) => {
      const { files, lines } = await sampleLog({ batches: [60, 40, 2, 1], ...options, closed: false })
      const last = Object.keys(files).at(-1)!
      const torn = { ...files, [last]: Buffer.concat([files[last]!, noise(90)]) }
      for (let after = 0; ; after++) {
        const memory = diskWith(torn)
        const fs = new FaultyFileSystem(memory)
        fs.fail(call, { code, after, path: /^(?!.*LOCK\.)/ })
        const where = `${call} ${after}`
        const expectCode = (error: unknown) => {
          expect([code, 'LEVEL_IO_ERROR'], `at ${where}`).toContain(String((error as { code?: unknown }).code))
          return undefined
        }
        const opened = await openLog(fs).catch(expectCode)
        const read = opened && (await linesOf(opened.wal).catch(expectCode))
        if (read !== undefined) expect(read, `at ${where}`).toEqual(lines)
        await opened?.wal.close().catch(expectCode)
        expect(memory.openHandles, `at ${where}`).toBe(0)
        // What is cut off is kept under the time, in ms.
        await new Promise(resolve => setTimeout(resolve, 2))
        const { wal: again } = await openLog(memory)
        expect(await linesOf(again), `at ${where}`).toEqual(lines)
        expect(again.nextSequence, `at ${where}`).toBe(lines.length + 1)
        await again.close()
        if (opened !== undefined && read !== undefined) break
      }
    }
  )
})

describe.skipIf(!LISTS_OPEN_FILES)('no descriptor is left open on a real disk', () => {
  test('by a log that was opened, read, rotated and closed', async () => {
    const dir = temporaryDirectory()
    for (let session = 0; session < 3; session++) {
      const { wal } = await openLog(nodeFileSystem, { ...options, dir, fsync: 'always' })
      const told = new ToldAppends()
      for (let i = 0; i < 12; i++) await told.append(wal)
      await keysOf(wal)
      for await (const { position } of wal.read()) {
        await wal.get(position)
        break
      }
      expect(openIn(dir).length).toBeGreaterThan(0)
      await wal.close()
      expect(openIn(dir)).toEqual([])
    }
  })

  test.each(['open', 'read', 'size', 'writeSync', 'sync', 'rename', 'syncDirectory'] as const)(
    'by opening a torn log, or going on with it, when %s fails',
    async call => {
      const { files } = await sampleLog({ batches: [3, 1], closed: false })
      for (let after = 0; after < 8; after++) {
        const dir = temporaryDirectory()
        const file = await nodeFileSystem.open(`${dir}/000001.wal`, 'create')
        file.writeSync(Buffer.concat([files['000001.wal']!, noise(50)]), 0)
        await file.close()
        const fs = new FaultyFileSystem(nodeFileSystem)
        fs.fail(call, { code: 'EIO', after })
        try {
          const { wal } = await openLog(fs, { ...options, dir })
          const told = new ToldAppends()
          for (let i = 0; i < 3; i++) await told.append(wal)
          await wal.close()
        } catch {
          // Whether it does or does not: what counts is what stays open.
        }
        expect(openIn(dir), `${call} ${after}`).toEqual([])
      }
    }
  )

  test('by opening a log that is refused', async () => {
    const dir = temporaryDirectory()
    const file = await nodeFileSystem.open(`${dir}/000001.wal`, 'create')
    file.writeSync(noise(400), 0)
    await file.close()
    for (const recovery of ['tail', 'strict', 'salvage'] as const) {
      await expect(openLog(nodeFileSystem, { dir, recovery })).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
      expect(openIn(dir)).toEqual([])
    }
  })
})

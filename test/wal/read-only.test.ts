import { describe, expect, test } from 'vitest'
import { type FileSystem, Record, type WalProgress } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { rejectedCode } from '../support/thrown-code.js'
import { afterPowerCut, contents, DIRECTORY, fill, keys, numbered, openLog, TINY_SEGMENTS } from './open-log.js'

test('it reads all that is there and changes nothing', async () => {
  const { wal, fs } = await openLog(TINY_SEGMENTS)
  await fill(wal, 5)
  await wal.close()
  const disk = fs as CrashableFileSystem
  const [before, steps] = [contents(disk), disk.steps]
  const { wal: reader, recovery } = await openLog({ ...TINY_SEGMENTS, fs, readOnly: true })
  expect(recovery).toEqual({ records: 5, segments: 5, bytesTruncated: 0, corruption: [] })
  expect(await keys(reader.read())).toEqual(numbered(1, 5))
  expect((await reader.get(3)).sequence).toBe(3)
  expect(reader.nextSequence).toBe(6)
  expect(await keys(reader.read({ from: reader.position }))).toEqual([])
  await reader.close()
  expect(contents(disk)).toEqual(before)
  expect(disk.steps).toBe(steps)
})

test('every call that would write is refused with LEVEL_READONLY', async () => {
  const { wal, fs } = await openLog()
  await fill(wal, 1)
  await wal.close()
  const { wal: reader } = await openLog({ fs, readOnly: true })
  expect(await rejectedCode(reader.append(Record.put('k', 'v')))).toBe('LEVEL_READONLY')
  expect(await rejectedCode(reader.appendBatch([Record.put('k', 'v')]))).toBe('LEVEL_READONLY')
  expect(await rejectedCode(reader.sync())).toBe('LEVEL_READONLY')
  expect(await rejectedCode(reader.deleteSegmentsBefore(reader.position))).toBe('LEVEL_READONLY')
  expect(reader.nextSequence).toBe(2)
})

test('beside a process that writes, it sees what was written so far', async () => {
  const { wal, fs } = await openLog()
  await fill(wal, 3)
  const { wal: reader } = await openLog({ fs, readOnly: true })
  await fill(wal, 2)
  expect(await keys(reader.read())).toEqual(numbered(1, 3))
  await reader.close()
  await fill(wal, 1)
  expect(await keys((await openLog({ fs, readOnly: true })).wal.read())).toEqual(numbered(1, 6))
})

describe('beside a process that writes while it is opened', () => {
  test('it takes no frame for damaged that was not there when its place was read', async () => {
    const { wal, fs } = await openLog({ fsync: 'always' })
    await fill(wal, 70, 50) // So many small ones that zeros are preallocated behind them.
    for (let written = 70; written < 90; written += 4) {
      // The second read is of everything behind the header.
      const beside = afterRead(fs, 2, () => fill(wal, 4, 50))
      const { wal: reader, recovery } = await openLog({ fs: beside, readOnly: true })
      expect(recovery).toMatchObject({ bytesTruncated: 0, corruption: [] })
      expect((await keys(reader.read())).slice(0, written)).toEqual(numbered(1, written))
    }
  })

  test('it reads a segment that is sealed, and so becomes shorter, to its end', async () => {
    const { wal, fs } = await openLog({ fsync: 'always' })
    await fill(wal, 70, 50)
    const beside = afterRead(fs, 1, () => wal.close())
    const { wal: reader, recovery } = await openLog({ fs: beside, readOnly: true })
    expect(recovery).toEqual({ records: 70, segments: 1, bytesTruncated: 0, corruption: [] })
    expect(await keys(reader.read())).toEqual(numbered(1, 70))
  })

  test('it has never read more than there is', async () => {
    const { wal, fs } = await openLog()
    await fill(wal, 2)
    const told: WalProgress[] = []
    const onProgress = (progress: WalProgress) => void told.push(progress)
    await openLog({ fs: afterRead(fs, 1, () => fill(wal, 1)), readOnly: true, onProgress })
    expect(told).toHaveLength(1)
    expect(told[0]!.bytesDone).toBeLessThanOrEqual(told[0]!.bytesTotal)
  })

  test('it does not take damage for something that is being written', async () => {
    const { wal, fs } = await openLog({ fsync: 'always', codec: 'none' })
    await fill(wal, 70, 50)
    const disk = fs as CrashableFileSystem
    const path = `${DIRECTORY}/000001.wal`
    const damaged = disk.file(path)
    const at = damaged.indexOf('ckvF', 3000)
    damaged[at + 60]! ^= 1
    disk.put(path, damaged)
    expect(await rejectedCode(openLog({ fs, readOnly: true }))).toBe('LEVEL_CORRUPTION')
  })
})

test('a torn end is left out, and left as it is', async () => {
  const { wal, fs } = await openLog({ fsync: 'always' })
  await fill(wal, 3)
  const left = await afterPowerCut(fs)
  const path = `${DIRECTORY}/000001.wal`
  left.put(path, Buffer.concat([left.file(path), Buffer.alloc(100, 'torn')]))
  const before = contents(left)
  const { wal: reader, recovery } = await openLog({ fs: left, readOnly: true })
  expect(recovery).toMatchObject({ records: 3, bytesTruncated: 100, corruption: [{ segment: 1 }] })
  expect(await keys(reader.read())).toEqual(numbered(1, 3))
  expect((await reader.get(3)).sequence).toBe(3)
  expect(reader.nextSequence).toBe(4)
  await reader.close()
  expect(contents(left)).toEqual(before)
})

test('a directory that is not there is not made', async () => {
  const fs = new CrashableFileSystem()
  await expect(openLog({ fs, readOnly: true })).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await fs.list('/')).toEqual([])
})

test('an empty directory is an empty log', async () => {
  const fs = new CrashableFileSystem()
  await fs.makeDirectory(DIRECTORY)
  const { wal } = await openLog({ fs, readOnly: true })
  expect(await keys(wal.read())).toEqual([])
  expect(wal.nextSequence).toBe(1)
})

/** The files as they are for a process beside which something happens: right after its nth read, before it gets what it read. */
function afterRead(fs: FileSystem, nth: number, happen: () => Promise<void>): FileSystem {
  let reads = 0
  return Object.assign(Object.create(fs) as FileSystem, {
    async open(...args: Parameters<FileSystem['open']>) {
      const file = await fs.open(...args)
      return {
        read: async (into: Uint8Array, position: number) => {
          const read = await file.read(into, position)
          if (++reads === nth) await happen()
          return read
        },
        size: () => file.size(),
        close: () => file.close()
      }
    },
    list: (directory: string) => fs.list(directory)
  })
}

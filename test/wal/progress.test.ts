import { expect, test } from 'vitest'
import { Record, type WalProgress } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { noise } from '../support/sample-values.js'
import { afterPowerCut, fill, openLog, TINY_SEGMENTS } from './open-log.js'

async function progressOf(fs: CrashableFileSystem, options = {}): Promise<WalProgress[]> {
  const told: WalProgress[] = []
  const { wal } = await openLog({ ...options, fs, onProgress: progress => told.push(progress) })
  await wal.close()
  expect(fs.openHandles).toBe(0)
  return told
}

function expectMonotonic(told: readonly WalProgress[]): void {
  for (const [i, { bytesDone, bytesTotal, records }] of told.entries()) {
    expect(bytesDone).toBeLessThanOrEqual(bytesTotal)
    expect(bytesTotal).toBe(told[0]!.bytesTotal)
    if (i === 0) continue
    expect(bytesDone).toBeGreaterThan(told[i - 1]!.bytesDone)
    expect(records).toBeGreaterThanOrEqual(told[i - 1]!.records)
  }
}

test('it goes up with every segment and ends with all bytes and all records', async () => {
  const { wal, fs } = await openLog(TINY_SEGMENTS)
  const disk = fs as CrashableFileSystem
  await fill(wal, 7)
  await wal.close()
  const bytes = disk
    .paths()
    .filter(path => path.endsWith('.wal'))
    .reduce((sum, path) => sum + disk.file(path).length, 0)
  for (const options of [TINY_SEGMENTS, { readOnly: true }, { recovery: 'strict' }]) {
    const told = await progressOf(disk, options)
    expectMonotonic(told)
    expect(told).toHaveLength(7)
    expect(told[2]).toMatchObject({ phase: 'recovery', records: 3 })
    expect(told.at(-1)).toEqual({ phase: 'recovery', bytesDone: bytes, bytesTotal: bytes, records: 7 })
  }
})

test('a large segment is told of on the way', async () => {
  const { wal, fs } = await openLog({ codec: 'none' })
  for (let i = 0; i < 40; i++) await wal.append(Record.put('k', noise(1_000_000)))
  await wal.close()
  const told = await progressOf(fs as CrashableFileSystem)
  expectMonotonic(told)
  expect(told.length).toBeGreaterThanOrEqual(3)
})

test('a torn end counts as done', async () => {
  const { wal, fs } = await openLog({ fsync: 'always' })
  await fill(wal, 3)
  const left = await afterPowerCut(fs)
  const path = '/log/000001.wal'
  left.put(path, Buffer.concat([left.file(path), Buffer.alloc(1000, 1)]))
  const total = left.file(path).length
  expect((await progressOf(left)).at(-1)).toMatchObject({ bytesDone: total, bytesTotal: total, records: 3 })
})

test('an empty log has nothing to tell', async () => {
  expect(await progressOf(new CrashableFileSystem())).toEqual([])
})

import { expect, test } from 'vitest'
import { Wal } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { smallRecords } from '../torture/small-records.js'

const RECORDS = 300_000

test('a log of many small records is written, opened and read in little memory', async () => {
  const dir = temporaryDirectory()
  const { read, heldGrowth } = await smallRecords(RECORDS, {
    dir,
    fsync: 'os',
    meter: false,
    segmentBytes: 4 * 1024 * 1024
  })
  expect(read).toBe(RECORDS)
  // To keep the records, or the frames that they were in, would take more: their bytes alone are 30 MB.
  expect(heldGrowth).toBeLessThan(20e6)
})

test('a log takes memory for frames only once something is appended', async () => {
  const before = process.memoryUsage().arrayBuffers
  const opened = []
  for (let i = 0; i < 30; i++) {
    opened.push(await Wal.open({ dir: '/log', fs: new CrashableFileSystem(), meter: false }))
  }
  // It is 1 MiB for each that has appended.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(15 * 1024 * 1024)
  for (const { wal } of opened) await wal.close()
})

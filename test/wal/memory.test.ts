import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { smallRecords } from '../torture/small-records.js'

const RECORDS = 300_000

test('a log of many small records is written, opened and read in little memory', async () => {
  const dir = temporaryDirectory()
  const { read, growth } = await smallRecords(RECORDS, {
    dir,
    fsync: 'os',
    meter: false,
    segmentBytes: 4 * 1024 * 1024
  })
  expect(read).toBe(RECORDS)
  // To keep the records alone would take more: 300,000 objects with two buffers each.
  expect(growth).toBeLessThan(100e6)
})

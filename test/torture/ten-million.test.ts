import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { smallRecords } from './small-records.js'

/** In the nightly run only. */
const NIGHTLY = process.env['TORTURE_CYCLES'] !== undefined
const RECORDS = 10_000_000

test.runIf(NIGHTLY)('the memory of a log of ten million records stays flat', { timeout: 600_000 }, async () => {
  const report = await smallRecords(RECORDS, { dir: temporaryDirectory(), fsync: 'os', meter: false })
  console.log(report)
  expect(report.read).toBe(RECORDS)
  expect(report.progress).toBeGreaterThan(0)
  expect(report.heldGrowth).toBeLessThan(20e6)
  expect(report.residentGrowth).toBeLessThan(300e6)
})

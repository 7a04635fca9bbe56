import { expect, test } from 'vitest'
import type { CrashableFileSystem } from '../support/crashable-file-system.js'
import { rejectedCode } from '../support/thrown-code.js'
import { afterPowerCut, contents, DIRECTORY, fill, keys, numbered, openLog } from './open-log.js'

const LAST = `${DIRECTORY}/000001.wal`

/** What a process left that was killed after three records, with `garbage` behind them. */
async function killed(garbage: string): Promise<CrashableFileSystem> {
  const { wal, fs } = await openLog({ fsync: 'always' })
  await fill(wal, 3)
  const left = await afterPowerCut(fs)
  left.put(LAST, Buffer.concat([left.file(LAST), Buffer.from(garbage)]))
  return left
}

test('a torn end is refused, nothing is changed, and the lock is let go', async () => {
  const fs = await killed('garbage')
  const before = contents(fs)
  await expect(openLog({ fs, recovery: 'strict' })).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  await expect(openLog({ fs, recovery: 'strict' })).rejects.toThrow(/segment 1 .*torn/)
  expect(contents(fs)).toEqual(before)
  const { wal, recovery } = await openLog({ fs })
  expect(recovery).toMatchObject({ records: 3, bytesTruncated: 7, corruption: [{ segment: 1 }] })
  expect(await keys(wal.read())).toEqual(numbered(1, 3))
})

test('a segment that was being made when the process died is refused', async () => {
  const fs = await killed('')
  fs.put(`${DIRECTORY}/000002.wal`, Buffer.alloc(80))
  // Segment 1 has no seal, and is followed by another.
  expect(await rejectedCode(openLog({ fs, recovery: 'strict' }))).toBe('LEVEL_CORRUPTION')
})

test('a log that was killed and is whole is accepted, and goes on', async () => {
  const fs = await killed('')
  const { wal, recovery } = await openLog({ fs, recovery: 'strict' })
  expect(recovery).toEqual({ records: 3, segments: 1, bytesTruncated: 0, corruption: [] })
  await fill(wal, 2)
  expect(await keys(wal.read())).toEqual(numbered(1, 5))
})

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { draftPath, segmentIds, segmentPath, tornPath } from '../../src/wal/segments/segment-files.js'

test('segments are found among other files, in the order of their ids', () => {
  const names = ['000010.wal', '000009.wal', 'LOCK', '000002.wal.new', '000001.torn-5', '1000000.wal', 'x000003.wal']
  expect(segmentIds(names)).toEqual([9, 10, 1_000_000])
  expect(segmentIds([])).toEqual([])
})

test('what has no name that a log gives is no segment', () => {
  expect(segmentIds(['000000.wal', '0000001.wal', '00001.wal', '1.wal', '000001.WAL', '.wal', '000001.wal~'])).toEqual(
    []
  )
})

test('names have six digits or more, and say what a file is', () => {
  expect(segmentPath('dir', 7)).toBe(join('dir', '000007.wal'))
  expect(segmentPath('dir', 12_345_678)).toBe(join('dir', '12345678.wal'))
  expect(draftPath('dir', 7)).toBe(join('dir', '000007.wal.new'))
  expect(tornPath('dir', 7, 99)).toBe(join('dir', '000007.torn-99'))
})

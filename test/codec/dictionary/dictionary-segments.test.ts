import { expect, test } from 'vitest'
import { chooseContent, countRuns } from '../../../src/codec/dictionary/dictionary-segments.js'
import { allSteps } from '../../../src/codec/steps.js'
import { noise } from '../../support/sample-values.js'

const counted = (...samples: Buffer[]) => {
  let end = 0
  const ends = samples.map(({ length }) => (end += length))
  return allSteps(countRuns(Buffer.concat(samples), ends))
}

/** @returns how many runs occurred again, each time counted */
const repeats = (...samples: Buffer[]) => counted(...samples).repeats.reduce((sum, count) => sum + count, 0)

test('of six equal bytes it is counted how often they occur again, the last of a sample included', () => {
  const [six, seven] = [Buffer.from('abcdef'), Buffer.from('abcdefg')]
  expect(repeats(six)).toBe(0)
  expect(repeats(six, six)).toBe(1)
  expect(repeats(six, six, six)).toBe(2)
  expect(repeats(seven, six)).toBe(1)
  expect(repeats(seven, seven)).toBe(2)
})

test('runs of bytes end with their sample', () => {
  const [start, end] = [Buffer.from('abc'), Buffer.from('def')]
  expect(repeats(start, end, start, end)).toBe(0)
})

const COMMON = noise(100)
const chosen = (contentBytes: number, segmentBytes: number) =>
  allSteps(chooseContent(counted(COMMON, COMMON), contentBytes, segmentBytes))

test('content is what is repeated, once', () => {
  expect(chosen(1000, 1000)).toEqual(COMMON)
})

test('content has segments of the length asked for, as much as may be taken, and none too short to be found', () => {
  const first = COMMON.subarray(0, 50)
  // The windows of the next segment begin with the first run that does not count yet.
  expect(chosen(60, 50)).toEqual(Buffer.concat([first, COMMON.subarray(45, 55)]))
  expect(chosen(56, 50)).toEqual(Buffer.concat([first, COMMON.subarray(45, 51)]))
  expect(chosen(55, 50)).toEqual(first)
  expect(chosen(20, 50)).toEqual(COMMON.subarray(0, 20))
})

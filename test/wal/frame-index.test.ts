import { expect, test } from 'vitest'
import { FrameIndex } from '../../src/wal/segments/frame-index.js'

const SPACING = 16 * 1024

/** Frames of ten records each, `spacing` bytes apart; the first record is 101. */
function indexOf(frames: number, spacing: number): FrameIndex {
  const index = new FrameIndex(101)
  for (let i = 0; i < frames; i++) index.add(80 + i * spacing, 101 + 10 * i, 10)
  return index
}

test('an empty segment ends before it begins', () => {
  const index = new FrameIndex(101)
  expect([index.firstSequence, index.lastSequence]).toEqual([101, 100])
})

test('frames that are far enough apart are all known', () => {
  const index = indexOf(5, SPACING)
  expect(index.lastSequence).toBe(150)
  for (let i = 0; i < 5; i++) {
    const frame = { offset: 80 + i * SPACING, lastSequence: 110 + 10 * i }
    expect(index.find(101 + 10 * i)).toEqual(frame)
    expect(index.find(110 + 10 * i)).toEqual(frame)
  }
})

test('nearer ones are found from the one before', () => {
  const index = indexOf(9, SPACING / 4)
  expect(index.lastSequence).toBe(190)
  expect(index.find(101).offset).toBe(80)
  expect(index.find(140).offset).toBe(80)
  expect(index.find(141).offset).toBe(80 + SPACING)
  expect(index.find(180).offset).toBe(80 + SPACING)
  expect(index.find(181).offset).toBe(80 + 2 * SPACING)
})

test('a byte less than the spacing is too near, the spacing is not', () => {
  const index = indexOf(1, 0)
  index.add(80 + SPACING - 1, 111, 10)
  index.add(80 + SPACING, 121, 10)
  expect(index.find(120).offset).toBe(80)
  expect(index.find(121).offset).toBe(80 + SPACING)
})

test('a frame that nothing leads to is known, however near it is', () => {
  const index = indexOf(1, 0)
  index.add(81, 111, 10, true)
  index.add(82, 121, 10)
  expect(index.find(111)).toEqual({ offset: 81, lastSequence: 120 })
  expect(index.find(130).offset).toBe(81)
})

test('the way to an offset begins at the last frame known before it, if there is one', () => {
  const index = indexOf(3, SPACING)
  const second = 80 + SPACING
  expect([0, 79, 80, second - 1, second, 1_000_000].map(offset => index.frameBefore(offset))).toEqual([
    0,
    0,
    80,
    80,
    second,
    second + SPACING
  ])
  expect(new FrameIndex(1).frameBefore(100)).toBe(0)
})

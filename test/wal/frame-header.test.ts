import { describe, expect, test } from 'vitest'
import { FRAME_TYPE, MAX_FRAME_BYTES, readU64, writeU64 } from '../../src/wal/format/format.js'
import { type FrameHeader, isPlausible } from '../../src/wal/format/frame-header.js'

const NONE = 0
const LZ4 = 1

const data: FrameHeader = {
  type: FRAME_TYPE.data,
  codecId: LZ4,
  storedLength: 100,
  rawLength: 400,
  count: 100,
  firstSequence: 1,
  syncedOffset: 0,
  previousCrc: 0,
  payloadCrc: 0,
  crc: 0
}
const seal: FrameHeader = { ...data, type: FRAME_TYPE.seal, codecId: NONE, storedLength: 16, rawLength: 16, count: 0 }

describe('before memory is taken for a frame, what its header claims is', () => {
  test.each<[string, FrameHeader]>([
    ['as many records as fit, of 4 bytes each', data],
    ['the largest raw length there is', { ...data, rawLength: MAX_FRAME_BYTES }],
    ['snapshot data', { ...data, type: FRAME_TYPE.snapshotData }],
    ['uncompressed, as long as it is stored', { ...data, codecId: NONE, storedLength: 400 }],
    ['a seal', seal],
    ['the beginning of a snapshot', { ...seal, type: FRAME_TYPE.snapshotBegin, storedLength: 8, rawLength: 8 }],
    ['the end of a snapshot', { ...seal, type: FRAME_TYPE.snapshotEnd, storedLength: 8, rawLength: 8 }]
  ])('believed: %s', (_, header) => {
    expect(isPlausible(header)).toBe(true)
  })

  test.each<[string, FrameHeader]>([
    ['more records than fit', { ...data, count: 101 }],
    ['no records', { ...data, count: 0 }],
    ['more snapshot records than fit', { ...data, type: FRAME_TYPE.snapshotData, count: 101 }],
    ['a raw length above the largest', { ...data, rawLength: MAX_FRAME_BYTES + 1 }],
    ['uncompressed, but not as long as it is stored', { ...data, codecId: NONE }],
    ['a seal of another length', { ...seal, storedLength: 8, rawLength: 8 }],
    ['a compressed seal', { ...seal, codecId: LZ4 }],
    ['a seal with records', { ...seal, count: 1 }]
  ])('not believed: %s', (_, header) => {
    expect(isPlausible(header)).toBe(false)
  })
})

test.each([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER])('%i is the same as a u64', number => {
  const bytes = Buffer.alloc(10, 0xee)
  writeU64(bytes, number, 1)
  expect(bytes.readBigUInt64LE(1)).toBe(BigInt(number))
  expect(readU64(bytes, 1)).toBe(number)
})

test.each([2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])('a u64 of %i is no number', number => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(number)
  expect(readU64(bytes, 0)).toBeNaN()
})

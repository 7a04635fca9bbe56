import { describe, expect, test } from 'vitest'
import { crc32c } from '../../src/checksum/crc32c.js'
import {
  SEGMENT_CRC_AT,
  SEGMENT_FEATURES_AT,
  SEGMENT_HEADER_BYTES,
  SEGMENT_PREVIOUS_LENGTH_AT,
  SEGMENT_RESERVED_AT,
  SEGMENT_VERSION_AT
} from '../../src/wal/format/format.js'
import { decodeSegmentHeader, encodeSegmentHeader } from '../../src/wal/format/segment-header.js'

const HEADER = {
  storeId: Buffer.from('sixteen bytes id'),
  id: 7,
  firstSequence: 101,
  createdAt: 1_700_000_000_000,
  previous: { lastSequence: 100, length: 5000, crc: 0xdeadbeef }
}

/** The header with other bytes in it, and a checksum that holds. */
function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = encodeSegmentHeader(HEADER)
  change(bytes)
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, SEGMENT_CRC_AT)), SEGMENT_CRC_AT)
  return bytes
}

describe('the header of a segment', () => {
  test('is read as it was written, whatever lies behind it', () => {
    const bytes = Buffer.concat([encodeSegmentHeader(HEADER), Buffer.from('a frame')])
    expect(decodeSegmentHeader(bytes, 7)).toEqual({ ...HEADER, crc: bytes.readUInt32LE(SEGMENT_CRC_AT) })
  })

  test.each<[string, Buffer]>([
    ['cut short', encodeSegmentHeader(HEADER).subarray(0, SEGMENT_HEADER_BYTES - 1)],
    ['with another magic', changed(bytes => bytes.write('another', 0))],
    ['whose checksum fails', encodeSegmentHeader(HEADER).fill(1, 50, 51)],
    ['of another segment', encodeSegmentHeader({ ...HEADER, id: 8 })],
    [
      'that begins with a number of the segment before',
      encodeSegmentHeader({ ...HEADER, previous: { ...HEADER.previous, lastSequence: 101 } })
    ],
    [
      'that says no length of the segment before',
      changed(bytes => bytes.writeBigUInt64LE(2n ** 63n, SEGMENT_PREVIOUS_LENGTH_AT))
    ]
  ])('is none: one %s', (_, bytes) => {
    expect(decodeSegmentHeader(bytes, 7)).toBeUndefined()
  })

  test.each<[string, Buffer]>([
    ['version', changed(bytes => bytes.writeUInt16LE(2, SEGMENT_VERSION_AT))],
    ['feature', changed(bytes => bytes.writeUInt16LE(1, SEGMENT_FEATURES_AT))],
    ['reserved bit', changed(bytes => bytes.writeUInt32LE(1, SEGMENT_RESERVED_AT))]
  ])('of a later %s is refused, and says what to do', (_, bytes) => {
    const refused = expect.objectContaining({
      code: 'LEVEL_NOT_SUPPORTED',
      message: expect.stringContaining('upgrade')
    })
    expect(() => decodeSegmentHeader(bytes, 7)).toThrow(refused)
  })
})

import { describe, expect, test } from 'vitest'
import { CODEC_ID } from '../../../src/codec/codec.js'
import { FRAME_TYPE, RECORD_EXPIRES, RECORD_MORE } from '../../../src/wal/format/format.js'
import { noise } from '../../support/sample-values.js'
import { type ForgedFrame, forgedSegment, good, putBytes, recordOf, sealOf } from './forged-log.js'
import { diskWith, openLog } from './log-disk.js'

/** What is wrong with a log is told in words that lead to it. */

const fileOf = (frame: ForgedFrame) => forgedSegment([good(1), frame, good(3)])

/** Where the second frame begins. */
const SECOND = forgedSegment([good(1)]).length

const CONTENTS = 'its frames are intact, but what they contain is not'
const CHECKSUMS_HOLD = 'a frame of the log whose checksums hold contains'

describe('what a frame contains', () => {
  test.each<[string, ForgedFrame]>([
    [`${CHECKSUMS_HOLD} 1 records, not 2`, { ...good(2), count: 2 }],
    [`${CHECKSUMS_HOLD} a record of an unknown kind`, { stored: recordOf(4, 0, 1, 1, [Buffer.from('kv')]) }],
    [`${CHECKSUMS_HOLD} a record that is cut short`, { stored: recordOf(1, 0, 1, 2, [Buffer.from('kv')]) }],
    [`${CHECKSUMS_HOLD} a record that is cut short`, { stored: recordOf(1, RECORD_EXPIRES, 0, 0, [Buffer.alloc(5)]) }],
    [`${CHECKSUMS_HOLD} a length that never ends`, { stored: Buffer.from([1, 0, 0x80, 0x80]) }],
    [`${CHECKSUMS_HOLD} a batch that goes on after its frame`, { stored: putBytes('k2', 'v2', RECORD_MORE) }],
    ['its seal does not count its records', sealOf(7, 1)],
    [`the frame at ${SECOND} of the log claims what cannot be`, { ...good(2), rawLength: 9 }]
  ])('%s', async (why, frame) => {
    await expect(openLog(diskWith({ '000001.wal': fileOf(frame) }))).rejects.toMatchObject({
      code: 'LEVEL_CORRUPTION',
      message: expect.stringContaining(`segment 1 of the log in /log: ${CONTENTS} (${why}). `)
    })
  })
})

describe('where frames end', () => {
  test.each<[string, Buffer]>([
    ['the file ends in the middle of a frame', fileOf({ ...good(2), storedLength: 5000 })],
    ['it begins with record 1, not 2', fileOf({ ...good(2), firstSequence: 1 })],
    ['it vouches for bytes after itself', fileOf({ ...good(2), syncedOffset: 10_000 })],
    ['it does not follow the frame before it', fileOf({ ...good(2), previousCrc: 0x12345678 })],
    ['not a frame of this segment', Buffer.concat([forgedSegment([good(1)]), noise(100)])],
    ['shorter than the header of a frame', Buffer.concat([forgedSegment([good(1)]), noise(47)])],
    ['its checksum fails', changed(forgedSegment([good(1), good(2)]), -1)],
    ['it lies after the seal', forgedSegment([good(1), sealOf(1, 1), good(3)])]
  ])('%s', async (why, file) => {
    const { wal, recovery } = await openLog(diskWith({ '000001.wal': file }), { readOnly: true })
    await wal.close()
    expect(recovery.corruption).toEqual([{ segment: 1, from: expect.any(Number), to: file.length, why }])
    expect(recovery.corruption[0]!.from).toBe(why.includes('seal') ? SECOND + 48 + 16 : SECOND)
  })
})

test('a seal says that all before it was on stable storage', async () => {
  const file = forgedSegment([good(1), good(2), sealOf(2, 2)])
  await expect(openLog(diskWith({ '000001.wal': changed(file, SECOND + 48) }))).rejects.toThrow(
    'it is damaged before a place that was on stable storage (its checksum fails)'
  )
})

describe('a segment without a header', () => {
  test.each([
    ['a crash while the segment was being made', Buffer.alloc(30, 1)],
    ['a crash while the segment was being made', Buffer.alloc(3000)]
  ])('is set aside: %s', async (why, file) => {
    const files = { '000001.wal': forgedSegment([good(1), sealOf(1, 1)]), '000002.wal': file }
    const { wal, recovery } = await openLog(diskWith(files), { readOnly: true })
    await wal.close()
    expect(recovery).toMatchObject({ records: 1, segments: 1, bytesTruncated: file.length })
    expect(recovery.corruption).toEqual([{ segment: 2, from: 0, to: file.length, why }])
  })

  test.each([
    ['the header was never written whole', Buffer.alloc(30, 1)],
    ['the header is damaged', changed(fileOf(good(2)), 20)]
  ])('with others behind it is refused: %s', async (why, file) => {
    const files = { '000001.wal': file, '000002.wal': forgedSegment([good(1)]) }
    await expect(openLog(diskWith(files))).rejects.toThrow(
      `segment 1 of the log in /log: its header is damaged (${why})`
    )
  })
})

describe('what salvage skips', () => {
  test.each<[string, ForgedFrame]>([
    ['a number that cannot be', { ...good(2), firstSequence: 2 ** 60 }],
    [`${CHECKSUMS_HOLD} 1 records, not 2`, { ...good(2), count: 2 }],
    ['LZ4 data claims', { codecId: CODEC_ID.lz4, stored: noise(100), rawLength: 5000 }],
    ['A frame of the log has type 9', { ...good(2), type: 9 }]
  ])('%s', async (why, frame) => {
    const { wal, recovery } = await openLog(diskWith({ '000001.wal': fileOf(frame) }), { recovery: 'salvage' })
    await wal.close()
    expect(recovery).toMatchObject({ records: 2, bytesTruncated: 0 })
    expect(recovery.corruption).toEqual([{ segment: 1, from: SECOND, to: expect.any(Number), why: expect.any(String) }])
    expect(recovery.corruption[0]!.why).toContain(why)
  })

  test('the header of the segment is damaged', async () => {
    const files = { '000001.wal': changed(fileOf(good(2)), 20), '000002.wal': forgedSegment([good(1)]) }
    await expect(openLog(diskWith(files), { recovery: 'salvage' })).rejects.toThrow(
      'no segment of the log in /log has an intact header, so nothing in it can be checked'
    )
  })

  test('records of a snapshot are counted', async () => {
    const snapshot = { type: FRAME_TYPE.snapshotData, stored: putBytes('k', 'v'), takes: 0 }
    const file = forgedSegment([good(1), snapshot, good(2)])
    const { wal, recovery } = await openLog(diskWith({ '000001.wal': file }), { recovery: 'salvage' })
    await wal.close()
    expect(recovery).toEqual({ records: 3, segments: 1, bytesTruncated: 0, corruption: [] })
  })
})

/** A copy with one byte changed. */
function changed(file: Buffer, at: number): Buffer {
  const copy = Buffer.from(file)
  copy[at < 0 ? copy.length + at : at]! ^= 1
  return copy
}

// oxlint-disable vitest/no-conditional-expect -- what is expected depends on where the fault falls
import { describe, expect, test } from 'vitest'
import { FRAME_HEADER_BYTES, FRAME_MAGIC, SEGMENT_HEADER_BYTES } from '../../../src/wal/format/format.js'
import { noise } from '../../support/sample-values.js'
import { diskWith, filesOf, goOn, imageOf, laterLine, linesOf, openLog } from './log-disk.js'
import { type SampleLog, sampleLog } from './sample-log.js'

const KIB = 1024
const lengths = [
  ...Array.from({ length: FRAME_HEADER_BYTES + 2 }, (_, i) => i + 1),
  511,
  512,
  513,
  4096,
  64 * KIB - 1,
  64 * KIB + 1,
  128 * KIB
]

/** What may lie behind the last frame of a log: `bytes` of it. */
const garbage: Readonly<Record<string, (bytes: number, log: SampleLog) => Buffer>> = {
  zeros: bytes => Buffer.alloc(bytes),
  ones: bytes => Buffer.alloc(bytes, 0xff),
  noise: bytes => noise(bytes, 0x5eed + bytes),
  'magic numbers': bytes => {
    const magic = Buffer.alloc(4)
    magic.writeUInt32LE(FRAME_MAGIC)
    return Buffer.alloc(bytes, magic)
  },
  'the frames before, once more': (bytes, { files, frames }) =>
    Buffer.alloc(bytes, files['000001.wal']!.subarray(frames[0]!.from, frames.at(-1)!.to)),
  'the whole file, once more': (bytes, { files }) => Buffer.alloc(bytes, files['000001.wal'])
}

for (const closed of [false, true]) {
  describe(`at the end of a log that was ${closed ? 'closed' : 'left open'}`, () => {
    test.each(Object.entries(garbage))('%s of 1 B to 128 KiB are cut off, and nothing else', async (_, make) => {
      const log = await sampleLog({ batches: [3, 1, 4], syncAfter: [1], closed })
      const whole = log.files['000001.wal']!
      for (const length of lengths) {
        const tail = make(length, log)
        const fs = diskWith({ '000001.wal': Buffer.concat([whole, tail]) })
        const { wal, recovery } = await openLog(fs)
        expect(await linesOf(wal), `${length} bytes`).toEqual(log.lines)
        expect(wal.nextSequence, `${length} bytes`).toBe(log.lines.length + 1)
        expect(recovery.bytesTruncated, `${length} bytes`).toBe(length)
        const kept = Object.entries(filesOf(fs)).find(([name]) => name.includes('.torn-'))
        expect(kept![1].equals(tail), `${length} bytes`).toBe(true)
        expect(await goOn(fs, wal), `${length} bytes`).toEqual([...log.lines, laterLine(log.lines.length + 1)])
      }
    })
  })
}

describe('a last segment without a header, as a crash while it was made leaves it', () => {
  test.each([0, 1, SEGMENT_HEADER_BYTES - 1, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + 1, 4096, 128 * KIB])(
    'of %i zeros is set aside, and its number is used again',
    async length => {
      const log = await sampleLog({ batches: [3, 1], closed: true })
      const fs = diskWith({ ...log.files, '000002.wal': Buffer.alloc(length) })
      const { wal, recovery } = await openLog(fs)
      expect(await linesOf(wal)).toEqual(log.lines)
      expect(recovery.corruption).toMatchObject([{ segment: 2, from: 0, to: length }])
      expect(await goOn(fs, wal)).toEqual([...log.lines, laterLine(log.lines.length + 1)])
      expect(Object.keys(filesOf(fs)).filter(name => name.startsWith('000002'))).toEqual([
        expect.stringContaining('.torn-'),
        '000002.wal'
      ])
    }
  )

  test('of noise, no longer than a header, is set aside; a longer one is refused', async () => {
    const log = await sampleLog({ batches: [3, 1], closed: true })
    for (let length = 1; length <= 2 * SEGMENT_HEADER_BYTES; length++) {
      const files = { ...log.files, '000002.wal': noise(length, length) }
      const fs = diskWith(files)
      if (length > SEGMENT_HEADER_BYTES) {
        await expect(openLog(fs), `${length} bytes`).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
        expect(imageOf(filesOf(fs)), `${length} bytes`).toEqual(imageOf(files))
        continue
      }
      const { wal } = await openLog(fs)
      expect(await linesOf(wal), `${length} bytes`).toEqual(log.lines)
      await wal.close()
    }
  })
})

test('a last segment with a header and nothing else is a segment', async () => {
  const log = await sampleLog({ batches: Array<number>(6).fill(20), segmentBytes: 1192, codec: 'none', closed: false })
  const files = { ...log.files, '000002.wal': log.files['000002.wal']!.subarray(0, SEGMENT_HEADER_BYTES) }
  const fs = diskWith(files)
  const { wal, recovery } = await openLog(fs)
  const lines = log.frames.filter(({ segment }) => segment === 1).flatMap(frame => frame.lines)
  expect(recovery).toMatchObject({ segments: 2, bytesTruncated: 0, records: lines.length })
  expect(await linesOf(wal)).toEqual(lines)
  expect(await goOn(fs, wal)).toEqual([...lines, laterLine(lines.length + 1)])
})

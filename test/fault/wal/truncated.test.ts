// oxlint-disable vitest/expect-expect -- the functions that they call expect
import { describe, expect, test } from 'vitest'
import { SEGMENT_HEADER_BYTES } from '../../../src/wal/format/format.js'
import { diskWith, filesOf, goOn, imageOf, laterLine, linesOf, openLog } from './log-disk.js'
import { endBelow, linesBelow, type SampleLog, sampleLog } from './sample-log.js'

const batches = [6, 1, 8, 5, 4]
/** Three segments: two of one frame, one of two. */
const inSegments = { batches: [90, 90, 13, 3], segmentBytes: 1192, codec: 'none' } as const

/** Cuts the last segment to `length` bytes, opens the log, goes on with it and opens it once more. */
async function checkTruncated({ files, frames }: SampleLog, segment: number, length: number): Promise<void> {
  const name = `00000${segment}.wal`
  const whole = files[name]!
  const fs = diskWith({ ...files, [name]: whole.subarray(0, length) })
  const { wal, recovery } = await openLog(fs)
  const there = linesBelow(frames, segment, length)
  expect(await linesOf(wal), `cut at ${length}`).toEqual(there)
  expect(recovery.records, `cut at ${length}`).toBe(there.length)
  expect(wal.nextSequence, `cut at ${length}`).toBe(there.length + 1)

  // A length at which a frame ends loses nothing; any other leaves bytes that must be kept. The seal is a frame as well.
  const isWhole = length === whole.length
  const intact = isWhole
    ? length
    : length < SEGMENT_HEADER_BYTES
      ? 0
      : endBelow(frames, segment, length, SEGMENT_HEADER_BYTES)
  const kept = Object.entries(filesOf(fs)).filter(([file]) => file.includes('.torn-'))
  expect(Buffer.concat(kept.map(([, bytes]) => bytes)).equals(whole.subarray(intact, length)), `cut at ${length}`).toBe(
    true
  )
  expect(recovery.bytesTruncated, `cut at ${length}`).toBe(length - intact)

  expect(await goOn(fs, wal), `cut at ${length}`).toEqual([...there, laterLine(there.length + 1)])
}

describe('a log whose last segment ends at any byte opens with the frames that are whole, and goes on', () => {
  test('when it was not closed', async () => {
    const log = await sampleLog({ batches, closed: false })
    for (let length = 0; length <= log.files['000001.wal']!.length; length++) await checkTruncated(log, 1, length)
  })

  test('when it was synced on the way', async () => {
    const log = await sampleLog({ batches: [2, 1, 2], syncAfter: [0], closed: false })
    for (let length = 0; length <= log.files['000001.wal']!.length; length++) await checkTruncated(log, 1, length)
  })

  test('when it was closed', async () => {
    const log = await sampleLog({ batches: [4, 2], closed: true })
    for (let length = 0; length <= log.files['000001.wal']!.length; length++) await checkTruncated(log, 1, length)
  })

  test('when segments lie before it', async () => {
    const log = await sampleLog({ ...inSegments, closed: false })
    const last = log.frames.at(-1)!.segment
    expect(last).toBe(3)
    const { length: bytes } = log.files[`00000${last}.wal`]!
    for (let length = 0; length <= bytes; length++) await checkTruncated(log, last, length)
  })
})

test('a log with a segment before the last that ends at any byte is refused, and nothing is touched', async () => {
  const { files } = await sampleLog({ ...inSegments, closed: true })
  const names = Object.keys(files)
  expect(names).toHaveLength(3)
  for (const name of names.slice(0, -1)) {
    for (let length = 0; length < files[name]!.length; length++) {
      const cut = { ...files, [name]: files[name]!.subarray(0, length) }
      const fs = diskWith(cut)
      await expect(openLog(fs), `${name} cut at ${length}`).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
      expect(imageOf(filesOf(fs)), `${name} cut at ${length}`).toEqual(imageOf(cut))
    }
  }
})

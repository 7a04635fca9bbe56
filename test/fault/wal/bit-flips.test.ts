// oxlint-disable vitest/no-conditional-expect -- what is expected depends on where the fault falls
import { describe, expect, test } from 'vitest'
import { SEGMENT_HEADER_BYTES } from '../../../src/wal/format/format.js'
import { everyBitFlipped } from '../../support/sample-values.js'
import { rejectedCode } from '../../support/thrown-code.js'
import { diskWith, filesOf, goOn, imageOf, laterLine, linesOf, openLog } from './log-disk.js'
import { linesBelow, type SampleFrame, type SampleLog, sampleLog } from './sample-log.js'

/** What opening must come to when a byte of the last segment is damaged: an offset to cut it at, or undefined to refuse it. */
function cutAt(frames: readonly SampleFrame[], damaged: number, closed: boolean): number | undefined {
  if (damaged < SEGMENT_HEADER_BYTES) return undefined
  const hit = frames.findIndex(({ from, to }) => damaged >= from && damaged < to)
  if (hit < 0) return frames.at(-1)!.to // The seal: nothing is behind it that could vouch for anything.
  const { from } = frames[hit]!
  const vouched = closed || frames.slice(hit + 1).some(({ vouchesFor }) => vouchesFor > from)
  return vouched ? undefined : from
}

/** Flips every bit of the last segment in turn, and opens the log. */
async function checkFlips({ files, frames }: SampleLog, closed: boolean): Promise<{ refused: number; cut: number }> {
  const name = Object.keys(files).at(-1)!
  const segment = Number.parseInt(name)
  const own = frames.filter(frame => frame.segment === segment)
  const bits = { refused: 0, cut: 0 }
  for (const { bit, flipped } of everyBitFlipped(files[name]!)) {
    const damaged = { ...files, [name]: flipped }
    const from = cutAt(own, bit >>> 3, closed)
    // Whether a log is opened to be written is nothing to what is read: some bits will do to see what is written.
    const written = bit % 23 === 0
    if (from === undefined) {
      bits.refused++
      expect(await rejectedCode(openLog(diskWith(damaged), { readOnly: true })), `bit ${bit}`).toBe('LEVEL_CORRUPTION')
      if (written) await checkRefused(damaged, bit)
      continue
    }
    bits.cut++
    const lines = linesBelow(frames, segment, from)
    const { wal, recovery } = await openLog(diskWith(damaged), { readOnly: true })
    expect(await linesOf(wal), `bit ${bit}`).toEqual(lines)
    expect(recovery, `bit ${bit}`).toMatchObject({
      records: lines.length,
      bytesTruncated: flipped.length - from,
      corruption: [{ segment, from, to: flipped.length }]
    })
    await wal.close()
    if (written) await checkCut(damaged, { bit, lines, bytes: flipped.subarray(from) })
  }
  return bits
}

async function checkRefused(damaged: Readonly<Record<string, Buffer>>, bit: number): Promise<void> {
  const fs = diskWith(damaged)
  expect(await rejectedCode(openLog(fs)), `bit ${bit}`).toBe('LEVEL_CORRUPTION')
  expect(imageOf(filesOf(fs)), `bit ${bit}`).toEqual(imageOf(damaged))
}

async function checkCut(
  damaged: Readonly<Record<string, Buffer>>,
  { bit, lines, bytes }: { bit: number; lines: readonly string[]; bytes: Buffer }
): Promise<void> {
  const fs = diskWith(damaged)
  const { wal } = await openLog(fs)
  const [, kept] = Object.entries(filesOf(fs)).find(([file]) => file.includes('.torn-'))!
  expect(kept.equals(bytes), `bit ${bit}`).toBe(true)
  expect(await goOn(fs, wal), `bit ${bit}`).toEqual([...lines, laterLine(lines.length + 1)])
}

const twoSegments = { batches: [90, 16, 1], segmentBytes: 1192, codec: 'none' } as const

describe('a flipped bit, wherever it is, is never read as data', () => {
  test('in a log that was never synced: it is cut there, and the bytes are kept', async () => {
    const log = await sampleLog({ batches: [1, 2, 1], closed: false })
    const bytes = log.files['000001.wal']!.length
    expect(await checkFlips(log, false)).toEqual({
      refused: 8 * SEGMENT_HEADER_BYTES,
      cut: 8 * (bytes - SEGMENT_HEADER_BYTES)
    })
  })

  test('in a log that was synced on the way: it is refused below what a later frame vouches for', async () => {
    const log = await sampleLog({ batches: [1, 2, 1, 1], syncAfter: [0, 2], closed: false })
    // What the second sync covered is vouched for by the frame behind it.
    expect((await checkFlips(log, false)).refused).toBe(8 * log.frames[2]!.to)
  })

  test('in a log that was closed: it is refused, but in the seal itself, which loses no record', async () => {
    const log = await sampleLog({ batches: [2, 1, 3], closed: true })
    expect((await checkFlips(log, true)).refused).toBe(8 * log.frames.at(-1)!.to)
  })

  test('in compressed frames', async () => {
    const log = await sampleLog({ batches: [10, 10], closed: false, label: 'the same in every value ', codec: 'lz4' })
    expect(log.files['000001.wal']!.length).toBeLessThan(log.lines.join('').length)
    await checkFlips(log, false)
  })

  test('in the last segment of several', async () => {
    const log = await sampleLog({ ...twoSegments, closed: false })
    expect(Object.keys(log.files)).toHaveLength(2)
    await checkFlips(log, false)
  })

  test('in a segment that others follow: it is refused', async () => {
    const { files } = await sampleLog({ ...twoSegments, closed: false })
    for (const { bit, flipped } of everyBitFlipped(files['000001.wal']!)) {
      const damaged = { ...files, '000001.wal': flipped }
      expect(await rejectedCode(openLog(diskWith(damaged), { readOnly: true })), `bit ${bit}`).toBe('LEVEL_CORRUPTION')
      if (bit % 64 === 0) await checkRefused(damaged, bit)
    }
  })
})

test("recovery: 'strict' refuses every flipped bit, and changes nothing", async () => {
  const { files } = await sampleLog({ batches: [2, 1], closed: false })
  const strict = { recovery: 'strict' } as const
  for (const { bit, flipped } of everyBitFlipped(files['000001.wal']!)) {
    const fs = diskWith({ '000001.wal': flipped })
    const options = bit % 64 === 0 ? strict : { ...strict, readOnly: true }
    expect(await rejectedCode(openLog(fs, options)), `bit ${bit}`).toBe('LEVEL_CORRUPTION')
    expect(imageOf(filesOf(fs)), `bit ${bit}`).toEqual(imageOf({ '000001.wal': flipped }))
  }
})

test("recovery: 'salvage' reads every frame but the one with the flipped bit, and changes nothing", async () => {
  const log = await sampleLog({ batches: [2, 1, 3], closed: true })
  for (const { bit, flipped } of everyBitFlipped(log.files['000001.wal']!)) {
    const fs = diskWith({ '000001.wal': flipped })
    const damaged = bit >>> 3
    if (damaged < SEGMENT_HEADER_BYTES) {
      // The only header there is: without it nothing can be checked.
      expect(await rejectedCode(openLog(fs, { recovery: 'salvage' })), `bit ${bit}`).toBe('LEVEL_CORRUPTION')
      continue
    }
    const readable = log.frames.filter(({ from, to }) => damaged < from || damaged >= to).flatMap(({ lines }) => lines)
    const { wal, recovery } = await openLog(fs, { recovery: 'salvage' })
    expect(await linesOf(wal), `bit ${bit}`).toEqual(readable)
    expect(
      recovery.corruption.some(({ from, to }) => damaged >= from && damaged < to),
      `bit ${bit}`
    ).toBe(true)
    await wal.close()
    expect(imageOf(filesOf(fs)), `bit ${bit}`).toEqual(imageOf({ '000001.wal': flipped }))
  }
})

// oxlint-disable vitest/expect-expect -- the functions that they call expect
import { describe, expect, test } from 'vitest'
import {
  FRAME_CODEC_AT,
  FRAME_HEADER_BYTES,
  frameSeed,
  payloadCrc,
  SEGMENT_HEADER_BYTES,
  segmentSeed
} from '../../../src/wal/format/format.js'
import { decodeFrameHeader, encodeFrameHeader } from '../../../src/wal/format/frame-header.js'
import { Record } from '../../../src/wal/format/record.js'
import { decodeSegmentHeader } from '../../../src/wal/format/segment-header.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { powerCut } from '../../support/logged-store.js'
import { DIRECTORY, diskWith, filesOf, goOn, imageOf, laterLine, linesOf, openedLines, openLog } from './log-disk.js'
import { appendFrames, linesBelow, type SampleFrame, type SampleLog, sampleLog } from './sample-log.js'

type Files = Readonly<Record<string, Buffer>>

/** Frames of the same length wherever they are: numbers of two digits. */
const equalFrames = [...Array<number>(8).fill(10), 1] as const
/** Five segments, a frame each, and all of about one length. */
const oneFrameSegments = { segmentBytes: 1192, codec: 'none' } as const
const segmented = { ...oneFrameSegments, batches: Array<number>(5).fill(80) } as const

async function expectRefused(files: Files): Promise<void> {
  const fs = diskWith(files)
  await expect(openLog(fs)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  expect(imageOf(filesOf(fs))).toEqual(imageOf(files))
  await expect(openLog(fs, { readOnly: true })).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
}

/** The log opens with these records, the rest is cut off and kept, and it goes on. */
async function expectCut(files: Files, lines: readonly string[]): Promise<void> {
  const fs = diskWith(files)
  const { wal, recovery } = await openLog(fs)
  expect(await linesOf(wal)).toEqual(lines)
  expect(recovery.bytesTruncated).toBeGreaterThan(0)
  expect(await goOn(fs, wal)).toEqual([...lines, laterLine(lines.length + 1)])
}

function bytesOf(file: Buffer, { from, to }: SampleFrame): Buffer {
  return file.subarray(from, to)
}

describe('segments', () => {
  test('of another store are refused, in the middle, at the end and at the beginning', async () => {
    const ours = await sampleLog({ ...segmented, closed: true })
    const foreign = await sampleLog({ ...segmented, closed: true, label: 'f' })
    expect(Object.keys(ours.files)).toHaveLength(5)
    for (const name of Object.keys(ours.files)) {
      await expectRefused({ ...ours.files, [name]: foreign.files[name]! })
    }
    await expectRefused({ ...ours.files, '000006.wal': foreign.files['000005.wal']! })
  })

  test('of another store, wherever they lie, do not keep salvage from reading those of most', async () => {
    const ours = await sampleLog({ ...segmented, closed: true })
    const foreign = await sampleLog({ ...segmented, closed: true, label: 'f' })
    for (const [i, name] of Object.keys(ours.files).entries()) {
      const disk = diskWith({ ...ours.files, [name]: foreign.files[name]! })
      const { wal, recovery } = await openLog(disk, { recovery: 'salvage' })
      expect(await linesOf(wal), `in place of ${name}`).toEqual(
        ours.frames.toSpliced(i, 1).flatMap(({ lines }) => lines)
      )
      expect(new Set(recovery.corruption.map(({ segment }) => segment)), `in place of ${name}`).toEqual(
        new Set([i + 1])
      )
    }
  })

  test('that were copied to another number are refused', async () => {
    const { files } = await sampleLog({ ...segmented, closed: true })
    const names = Object.keys(files)
    for (const from of names) {
      for (const to of [...names, '000006.wal']) {
        if (from !== to) await expectRefused({ ...files, [to]: files[from]! })
      }
    }
  })

  test('that changed places are refused', async () => {
    const { files } = await sampleLog({ ...segmented, closed: true })
    const names = Object.keys(files)
    for (const [i, one] of names.entries()) {
      for (const other of names.slice(i + 1)) {
        await expectRefused({ ...files, [one]: files[other]!, [other]: files[one]! })
      }
    }
  })

  test('of another past of the same log are refused, before and behind its own', async () => {
    const { ours, stale } = await fork()
    const names = Object.keys(ours.files)
    expect(names).toEqual(Object.keys(stale.files))
    // What both have in common is the same; the last may be either's, if it fits what is before it.
    const differing = names.filter(name => !ours.files[name]!.equals(stale.files[name]!))
    expect(differing.length).toBeGreaterThanOrEqual(3)
    for (const name of differing) await expectRefused({ ...ours.files, [name]: stale.files[name]! })
  })

  test('as they were before others followed are refused', async () => {
    const { ours, early } = await fork()
    const open = Object.keys(early).at(-1)!
    expect(early[open]!.length).toBeLessThan(ours.files[open]!.length)
    await expectRefused({ ...ours.files, [open]: early[open]! })
  })

  test('that are missing in the middle are refused; at the beginning they were deleted', async () => {
    const { files, frames } = await sampleLog({ ...segmented, closed: true })
    const names = Object.keys(files)
    const without = (...missing: string[]): Files =>
      Object.fromEntries(Object.entries(files).filter(([name]) => !missing.includes(name)))
    for (const name of names.slice(1, -1)) {
      await expectRefused(without(name))
      const what = `segment ${Number.parseInt(name, 10)} of the log in ${DIRECTORY} is missing`
      await expect(openLog(diskWith(without(name)))).rejects.toThrow(what)
    }
    await expectRefused(without(...names.slice(1, -1)))
    for (let deleted = 1; deleted < names.length; deleted++) {
      const fs = diskWith(without(...names.slice(0, deleted)))
      const { wal } = await openLog(fs)
      const left = frames.filter(({ segment }) => segment > deleted).flatMap(({ lines }) => lines)
      expect(await linesOf(wal)).toEqual(left)
      expect(wal.nextSequence).toBe(401)
      expect(await goOn(fs, wal)).toEqual([...left, laterLine(401)])
    }
  })
})

describe('frames', () => {
  const options = { batches: equalFrames, codec: 'none' } as const

  test('that are there twice are cut off from the second on', async () => {
    const log = await sampleLog({ ...options, closed: false })
    const frames = framesOf(log)
    for (const [i, { to }] of log.frames.entries()) {
      await expectCut(madeOf(log, frames.toSpliced(i, 0, frames[i]!)), linesBelow(log.frames, 1, to))
      await expectCut(madeOf(log, [...frames, frames[i]!]), log.lines)
    }
  })

  test('that are missing cut off those behind them', async () => {
    const log = await sampleLog({ ...options, closed: false })
    for (const [i, { from }] of log.frames.slice(0, -1).entries()) {
      await expectCut(madeOf(log, framesOf(log).toSpliced(i, 1)), linesBelow(log.frames, 1, from))
    }
  })

  test('that changed places are cut off', async () => {
    const log = await sampleLog({ ...options, closed: false })
    const frames = framesOf(log)
    for (let i = 1; i < frames.length; i++) {
      for (let j = i + 1; j < frames.length; j++) {
        const swapped = frames.with(i, frames[j]!).with(j, frames[i]!)
        await expectCut(madeOf(log, swapped), linesBelow(log.frames, 1, log.frames[i]!.from))
      }
    }
  })

  test('in whose place lie those of another store are cut off', async () => {
    const log = await sampleLog({ ...options, closed: false })
    const foreign = framesOf(await sampleLog({ ...options, closed: false, label: 'f' }))
    for (const [i, { from }] of log.frames.entries()) {
      await expectCut(madeOf(log, framesOf(log).with(i, foreign[i]!)), linesBelow(log.frames, 1, from))
    }
  })

  test('of another store, or of another segment, are not what salvage reads', async () => {
    const log = await sampleLog({ ...options, closed: false })
    const foreign = framesOf(await sampleLog({ ...options, closed: false, label: 'f' }))
    for (const i of log.frames.keys()) {
      const files = madeOf(log, framesOf(log).with(i, foreign[i]!))
      const { wal } = await openLog(diskWith(files), { recovery: 'salvage' })
      expect(await linesOf(wal)).toEqual(log.frames.toSpliced(i, 1).flatMap(({ lines }) => lines))
    }
    const { files } = await sampleLog({ ...segmented, closed: true })
    const header = files['000002.wal']!.subarray(0, SEGMENT_HEADER_BYTES)
    const mixed = Buffer.concat([header, files['000003.wal']!.subarray(SEGMENT_HEADER_BYTES)])
    const { wal } = await openLog(diskWith({ '000002.wal': mixed }), { recovery: 'salvage' })
    expect(await linesOf(wal)).toEqual([])
  })

  test('in whose place lie those of another past of the same segment are cut off', async () => {
    const log = await sampleLog({ ...options, closed: false })
    const stale = anotherPast(log, await sampleLog({ ...options, closed: false, label: 's' }))
    for (const [i, { from }] of log.frames.entries()) {
      if (i < 2) continue // The first that differs fits what is before it; those behind it do not.
      await expectCut(madeOf(log, framesOf(log).with(i, stale[i]!)), linesBelow(log.frames, 1, from))
    }
    const staleLines = log.frames[1]!.lines.map(line => line.replace(/ v/, ' s'))
    await expectCut(madeOf(log, framesOf(log).with(1, stale[1]!)), [...log.frames[0]!.lines, ...staleLines])
  })

  test('that a later one vouches for are refused when they are not where they belong', async () => {
    const log = await sampleLog({ ...options, syncAfter: [6], closed: false })
    const frames = framesOf(log)
    const foreign = framesOf(await sampleLog({ ...options, closed: false, label: 'f' }))
    expect(log.frames.at(-1)!.vouchesFor).toBe(log.frames[6]!.to)
    for (let i = 0; i <= 6; i++) {
      await expectRefused(madeOf(log, frames.with(i, foreign[i]!)))
      if (i > 1) await expectRefused(madeOf(log, frames.with(i, frames[i - 1]!)))
    }
  })
})

describe('a log file that is the value of a record', () => {
  test('is read as that value', async () => {
    const { fs, inner } = await nested()
    const lines = await openedLines(fs)
    expect(lines).toHaveLength(8)
    expect(lines[5]).toBe(`6 put log ${inner.toString('latin1')}`)
  })

  test('is no part of the log when the frame around it is damaged, and vouches for nothing', async () => {
    const { fs, value } = await nested()
    const whole = filesOf(fs)['000001.wal']!
    for (const at of [0, FRAME_CODEC_AT, 30, 60]) {
      const damaged = Buffer.from(whole)
      damaged[value.from + at]! ^= 1
      const lines = ['1 put k1 v1', '2 put k2 v2', '3 put k3 v3', '4 put k4 v4', '5 put k5 v5']
      await expectCut({ '000001.wal': damaged }, lines)
      const { wal } = await openLog(diskWith({ '000001.wal': damaged }), { recovery: 'salvage' })
      expect(await linesOf(wal)).toEqual([...lines, '7 put k7 w7', '8 put k8 w8'])
    }
  })

  test('is no part of the log when the end is torn anywhere in it', async () => {
    const { fs, value } = await nested()
    const whole = filesOf(fs)['000001.wal']!
    for (let length = value.from + 1; length < value.to; length++) {
      const { wal } = await openLog(diskWith({ '000001.wal': whole.subarray(0, length) }), { readOnly: true })
      expect(await linesOf(wal), `cut at ${length}`).toHaveLength(5)
    }
  })
})

/** Two logs that part after two of their five segments: the same store, the same numbers, other records. */
async function fork(): Promise<{ ours: SampleLog; stale: SampleLog; early: Files }> {
  const disk = new CrashableFileSystem()
  const { wal } = await openLog(disk, oneFrameSegments)
  const common = await appendFrames(wal, { batches: [80, 80], label: 'v' })
  await wal.append(Record.put('k161', 'v161'))
  const early = filesOf(disk)
  disk.crash()
  const branch = async (label: string): Promise<SampleLog> => {
    const fs = powerCut(disk, 'all')
    const opened = await openLog(fs, oneFrameSegments)
    const frames = [...common, ...(await appendFrames(opened.wal, { batches: [80, 80, 80], label }))]
    await opened.wal.close()
    return { files: filesOf(fs), frames, lines: frames.flatMap(({ lines }) => lines) }
  }
  return { ours: await branch('ours'), stale: await branch('past'), early }
}

/** Files of one segment whose frames are these. */
function madeOf(log: SampleLog, frames: readonly Buffer[]): Files {
  return { '000001.wal': Buffer.concat([log.files['000001.wal']!.subarray(0, SEGMENT_HEADER_BYTES), ...frames]) }
}

function framesOf(log: SampleLog): Buffer[] {
  return log.frames.map(frame => bytesOf(log.files['000001.wal']!, frame))
}

/** The frames that the segment of `log` would have, had the records of `other` followed its first frame. */
function anotherPast(log: SampleLog, other: SampleLog): Buffer[] {
  const [seed, otherSeed] = [log, other].map(({ files }) => seedOf(files['000001.wal']!))
  const frames = framesOf(other)
  frames[0] = framesOf(log)[0]!
  let previousCrc = decodeFrameHeader(frames[0], frameSeed(seed!, SEGMENT_HEADER_BYTES))!.crc
  for (const [i, { from }] of other.frames.entries()) {
    if (i === 0) continue
    const bytes = (frames[i] = Buffer.from(frames[i]!))
    const header = decodeFrameHeader(bytes, frameSeed(otherSeed!, from))!
    const at = frameSeed(seed!, from)
    const crc = payloadCrc(bytes.subarray(FRAME_HEADER_BYTES), at)
    previousCrc = encodeFrameHeader(bytes, { ...header, previousCrc, payloadCrc: crc }, at)
  }
  return frames
}

function seedOf(file: Buffer): number {
  return segmentSeed(decodeSegmentHeader(file.subarray(0, SEGMENT_HEADER_BYTES), 1)!.storeId, 1)
}

/** A log in which a record holds the log's own file so far; then two more records. */
async function nested(): Promise<{ fs: CrashableFileSystem; inner: Buffer; value: { from: number; to: number } }> {
  const fs = new CrashableFileSystem()
  const { wal } = await openLog(fs, { codec: 'none' })
  await appendFrames(wal, { batches: [2, 3], syncAfter: [0, 1], label: 'v' })
  const inner = filesOf(fs)['000001.wal']!
  const { offset: from } = await wal.append(Record.put('log', inner))
  const to = wal.position.offset
  await appendFrames(wal, { batches: [1, 1], label: 'w' })
  fs.crash()
  return { fs: powerCut(fs, 'all'), inner, value: { from, to } }
}

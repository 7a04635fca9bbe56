import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Unsynced } from '../../support/crashable-disk.js'
import type { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { powerCut } from '../../support/logged-store.js'
import { noise } from '../../support/sample-values.js'
import { diskWith, filesOf, goOn, imageOf, laterLine, linesOf, openLog } from './log-disk.js'
import { type SampleLog, sampleLog } from './sample-log.js'

const losses: readonly { unsynced: Unsynced; seed: number }[] = [
  { unsynced: 'all', seed: 0 },
  { unsynced: 'none', seed: 0 },
  ...[1, 2, 3, 4].map(seed => ({ unsynced: 'some' as const, seed }))
]

/** Logs that opening has something to do with. Segments of two frames, the last as a killed process left it. */
const damaged: Readonly<Record<string, (log: SampleLog) => Record<string, Buffer>>> = {
  'was not closed': ({ files }) => ({ ...files }),
  'has a torn end': ({ files }) => ({ ...files, '000002.wal': files['000002.wal']!.subarray(0, -7) }),
  'has garbage at its end': ({ files }) => ({
    ...files,
    '000002.wal': Buffer.concat([files['000002.wal']!, noise(3000, 0xbad)])
  }),
  'has a last segment without a header': ({ files }) => ({
    '000001.wal': files['000001.wal']!,
    '000002.wal': files['000002.wal']!.subarray(0, 50)
  }),
  'has what another recovery left': ({ files }) => ({ ...files, '000002.wal.new': noise(400, 0xd4af7) })
}

describe.each(Object.entries(damaged))('a crash at any step of opening a log that %s', (_, make) => {
  beforeEach(() => {
    // Bytes that are cut off are kept under the time; two recoveries are never in the same millisecond here.
    let now = 1_700_000_000_000
    vi.spyOn(Date, 'now').mockImplementation(() => now++)
  })
  afterEach(() => void vi.restoreAllMocks())

  test.each([false, true])('leaves the same records to the next, and the one after that (midway: %s)', async midway => {
    const files = make(await sampleLog({ batches: [60, 40, 2, 1], segmentBytes: 1192, codec: 'none', closed: false }))
    const whole = diskWith(files)
    const expected = await recoveredLines(whole)
    expect(expected.length).toBeGreaterThan(59)

    for (let step = 1; ; step++) {
      const fs = diskWith(files)
      const died = await diesOpening(fs, step, midway)
      for (const { unsynced, seed } of losses) {
        const where = `step ${step}, unsynced ${unsynced}, seed ${seed}`
        const disk = powerCut(fs, unsynced, seed)
        // Once more, somewhere else.
        await diesOpening(disk, (step % 5) + 1, !midway)
        const last = powerCut(disk, unsynced, seed + 100)
        const { wal } = await openLog(last).catch((error: unknown) => {
          throw new Error(where, { cause: error })
        })
        expect(await linesOf(wal), `at ${where}`).toEqual(expected)
        expect(await goOn(last, wal), `at ${where}`).toEqual([...expected, laterLine(expected.length + 1)])
        expect(Object.keys(filesOf(last)), `at ${where}`).not.toContain('000002.wal.new')
      }
      if (!died) break
    }
  })

  test('loses none of the bytes that it cuts off', async () => {
    const files = make(await sampleLog({ batches: [60, 40, 2, 1], segmentBytes: 1192, codec: 'none', closed: false }))
    const whole = diskWith(files)
    await recoveredLines(whole)
    const cut = keptBytes(whole)
    for (let step = 1; ; step++) {
      const fs = diskWith(files)
      const died = await diesOpening(fs, step, false)
      const disk = powerCut(fs, 'none')
      await recoveredLines(disk)
      expect(keptBytes(disk), `step ${step}`).toEqual(expect.arrayContaining(cut))
      if (!died) break
    }
  })
})

describe('opening a log with a torn end again, while the clock stands still', () => {
  beforeEach(() => void vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000))
  afterEach(() => void vi.restoreAllMocks())

  test('after a crash while it was opened, works and keeps what is cut off', async () => {
    const { files, lines } = await sampleLog({ batches: [3, 1], closed: false })
    const torn = { '000001.wal': Buffer.concat([files['000001.wal']!, noise(100)]) }
    for (let step = 1; ; step++) {
      const fs = diskWith(torn)
      const died = await diesOpening(fs, step, false)
      const disk = powerCut(fs, 'all')
      const { wal } = await openLog(disk).catch((error: unknown) => {
        throw new Error(`step ${step}`, { cause: error })
      })
      expect(await linesOf(wal), `step ${step}`).toEqual(lines)
      expect(keptBytes(disk), `step ${step}`).toContain(noise(100).toString('latin1'))
      await wal.close()
      if (!died) break
    }
  })
})

/** Whether opening came to that many steps. */
async function diesOpening(fs: CrashableFileSystem, step: number, midway: boolean): Promise<boolean> {
  fs.crashAt(fs.steps + step, { midway })
  const opened = await openLog(fs).then(
    () => true,
    () => false
  )
  if (opened) fs.crash()
  return !opened
}

async function recoveredLines(fs: CrashableFileSystem): Promise<string[]> {
  const { wal } = await openLog(fs)
  const lines = await linesOf(wal)
  await wal.close()
  return lines
}

function keptBytes(fs: CrashableFileSystem): string[] {
  const image = imageOf(filesOf(fs))
  return Object.keys(image)
    .filter(name => name.includes('.torn-'))
    .map(name => image[name]!)
}

import { describe, expect, test } from 'vitest'
import { Record } from '../../../src/wal/format/record.js'
import type { Unsynced } from '../../support/crashable-disk.js'
import { CrashableFileSystem, SimulatedCrash } from '../../support/crashable-file-system.js'
import { killed, powerCut } from '../../support/logged-store.js'
import { CrashWorkload, type Policy } from './crash-workload.js'
import { filesOf, goOn, laterLine, linesOf, openedLines, openLog } from './log-disk.js'
import { appendFrames } from './sample-log.js'

/** Decides what of the unsynced survives; printed when a test fails. */
const SEEDS = [1, 2]
const losses: readonly { unsynced: Unsynced; seed: number }[] = [
  { unsynced: 'all', seed: 0 },
  { unsynced: 'none', seed: 0 },
  ...SEEDS.map(seed => ({ unsynced: 'some' as const, seed }))
]

/** The disk as a power cut at a step leaves it, and what was promised until then. */
async function crashed(policy: Policy, seed: number, step: number, midway: boolean) {
  const fs = new CrashableFileSystem()
  const workload = new CrashWorkload(policy, seed)
  fs.crashAt(step, { midway })
  const outcome = await workload.run(fs).catch((error: unknown) => error)
  const died = fs.steps >= step
  // A call that the crash cut off may reach whoever waits as the log's own error.
  if (outcome !== undefined && !died) throw outcome
  expect(died ? outcome : new SimulatedCrash(), `step ${step}`).toBeInstanceOf(Error)
  return { fs, workload, died }
}

describe.each<Policy>(['always', 'interval', 'os'])("with fsync: '%s'", policy => {
  test.each([false, true])(
    'a crash at any step leaves all that was promised, in order, batches whole (midway: %s)',
    async midway => {
      const seed = 7
      for (let step = 1; ; step++) {
        const { fs, workload, died } = await crashed(policy, seed, step, midway)
        for (const { unsynced, seed: lossSeed } of losses) {
          const where = `step ${step}, workload seed ${seed}, unsynced ${unsynced}, seed ${lossSeed}`
          const disk = powerCut(fs, unsynced, lossSeed)
          try {
            const { wal } = await openLog(disk)
            const lines = await linesOf(wal)
            workload.check(lines, unsynced === 'all')
            const next = wal.nextSequence
            expect(next).toBe(lines.length === 0 ? next : Number.parseInt(lines.at(-1)!) + 1)
            expect(await goOn(disk, wal)).toEqual([...lines, laterLine(next)])
          } catch (error) {
            throw new Error(where, { cause: error })
          }
        }
        if (!died) break
      }
    }
  )

  test('a process killed at any step, a new one that goes on and a power cut leave all that the new one found', async () => {
    for (let step = 1; ; step++) {
      const { fs, died } = await crashed(policy, 11, step, step % 2 === 0)
      const disk = killed(fs)
      const { wal } = await openLog(disk)
      const lines = await linesOf(wal)
      const next = wal.nextSequence
      await wal.append(Record.put('afterwards', 'appended later'), { sync: true })
      for (const { unsynced, seed } of losses) {
        const left = await openedLines(powerCut(disk, unsynced, seed)).catch((error: unknown) => {
          throw new Error(`step ${step}, unsynced ${unsynced}, seed ${seed}`, { cause: error })
        })
        expect(left, `step ${step}, unsynced ${unsynced}, seed ${seed}`).toEqual([...lines, laterLine(next)])
      }
      if (!died) break
    }
  })
})

test.each<Policy>(['always', 'interval', 'os'])(
  "a power cut after a rotation leaves a log that opens, with fsync: '%s'",
  async fsync => {
    const fs = new CrashableFileSystem()
    const { wal } = await openLog(fs, { fsync, fsyncIntervalMs: 60_000, segmentBytes: 4000, codec: 'none' })
    const frames = await appendFrames(wal, { batches: Array<number>(10).fill(80), label: 'v' })
    const last = frames.at(-1)!.segment
    expect(last).toBe(3)
    // What the last segment holds takes several sectors, each of which may survive or not.
    expect(filesOf(fs)['000003.wal']!.length).toBeGreaterThan(512)
    const sealed = frames.filter(({ segment }) => segment < last).length
    for (let seed = 0; seed < 30; seed++) {
      const lines = await openedLines(powerCut(fs, 'some', seed)).catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error })
      })
      const kept = frames.findIndex(frame => !lines.includes(frame.lines[0]!))
      const whole = frames.slice(0, kept < 0 ? frames.length : kept)
      expect(lines, `seed ${seed}`).toEqual(whole.flatMap(frame => frame.lines))
      expect(whole.length, `seed ${seed}`).toBeGreaterThanOrEqual(fsync === 'always' ? frames.length : sealed)
    }
    await wal.close()
  }
)

test('a power cut while a segment is being sealed leaves a log that opens', async () => {
  for (let step = 1; ; step++) {
    const fs = new CrashableFileSystem()
    const { wal } = await openLog(fs, { codec: 'none' })
    const frames = await appendFrames(wal, { batches: [80, 80, 80, 80], label: 'v' })
    fs.crashAt(fs.steps + step)
    const died = await wal.close().then(
      () => false,
      () => true
    )
    for (let seed = 0; seed < 30; seed++) {
      const lines = await openedLines(powerCut(fs, 'some', seed)).catch((error: unknown) => {
        throw new Error(`step ${step}, seed ${seed}`, { cause: error })
      })
      const whole = frames.slice(0, frames.filter(frame => lines.includes(frame.lines[0]!)).length)
      expect(lines, `step ${step}, seed ${seed}`).toEqual(whole.flatMap(frame => frame.lines))
    }
    if (!died) break
  }
})

test('a power cut while segments are being deleted leaves a log without gaps', async () => {
  for (let step = 1; ; step++) {
    const fs = new CrashableFileSystem()
    const { wal } = await openLog(fs, { segmentBytes: 1300, codec: 'none' })
    const frames = await appendFrames(wal, { batches: Array<number>(5).fill(80), label: 'v' })
    await wal.close()
    const { wal: again } = await openLog(fs, { segmentBytes: 1300, codec: 'none' })
    fs.crashAt(fs.steps + step)
    const deletion = again.deleteSegmentsBefore({ segment: 5, offset: 0, index: 0 })
    const died = await deletion.then(
      () => false,
      () => true
    )
    for (let seed = 0; seed < 25; seed++) {
      const lines = await openedLines(powerCut(fs, 'some', seed)).catch((error: unknown) => {
        throw new Error(`step ${step}, seed ${seed}`, { cause: error })
      })
      const first = frames.findIndex(frame => frame.lines[0] === lines[0])
      expect(first, `step ${step}, seed ${seed}`).toBeGreaterThanOrEqual(0)
      expect(lines, `step ${step}, seed ${seed}`).toEqual(frames.slice(first).flatMap(frame => frame.lines))
    }
    if (!died) break
  }
})

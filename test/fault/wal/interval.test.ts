import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Record } from '../../../src/wal/format/record.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { powerCut } from '../../support/logged-store.js'
import { turns } from '../../support/turns.js'
import { openedLines, openLog, putLine } from './log-disk.js'

const BURST = 50
const INTERVAL_MS = 20

// The clock stands still, so that nothing is due because the machine is busy.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Lets time go by, and what is due then be done. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await turns()
}

async function burst(wal: Awaited<ReturnType<typeof openLog>>['wal'], first: number): Promise<void> {
  const numbers = Array.from({ length: BURST }, (_, i) => first + i)
  await Promise.all(numbers.map(number => wal.append(Record.put(`k${number}`, `v${number}`))))
}

function lines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => putLine(i + 1, `k${i + 1}`, `v${i + 1}`))
}

test("fsync: 'interval' puts a burst on disk when nothing follows it, and then rests", async () => {
  const fs = new CrashableFileSystem()
  const { wal } = await openLog(fs, { fsync: 'interval', fsyncIntervalMs: INTERVAL_MS })
  for (const total of [BURST, 2 * BURST]) {
    await burst(wal, total - BURST + 1)
    await pass(INTERVAL_MS)
    expect(await openedLines(powerCut(fs, 'none'))).toEqual(lines(total))
    const { steps } = fs
    const { fsyncs } = wal.stats()
    await pass(3 * INTERVAL_MS)
    expect(fs.steps).toBe(steps)
    expect(wal.stats().fsyncs).toBe(fsyncs)
  }
  await wal.close()
})

test("fsync: 'os' leaves a burst to the system", async () => {
  const fs = new CrashableFileSystem()
  const { wal } = await openLog(fs)
  await burst(wal, 1)
  await pass(100_000)
  expect(wal.stats().fsyncs).toBe(0)
  expect(await openedLines(powerCut(fs, 'none'))).toEqual([])
  expect(await openedLines(powerCut(fs, 'all'))).toEqual(lines(BURST))
  await wal.close()
})

import { expect, test } from 'vitest'
import { Record, type WalEvent } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { noise, text } from '../support/sample-values.js'
import { afterPowerCut, DIRECTORY, fill, openLog, reopened, TINY_SEGMENTS } from './open-log.js'

test('a new log has done nothing', async () => {
  const { wal } = await openLog()
  expect(wal.stats()).toEqual({
    records: 0,
    rawBytes: 0,
    bytes: 0,
    frames: 0,
    fsyncs: 0,
    fsyncMs: { total: 0, max: 0 },
    segments: 0,
    segmentsRolled: 0,
    segmentsDeleted: 0,
    gcMs: { total: 0, max: 0 },
    bytesTruncated: 0
  })
})

test('records, frames and bytes are counted, before and after compression', async () => {
  const { wal, fs } = await openLog({ codec: 'none', fsync: 'os' })
  await wal.append(Record.put('k', noise(100)))
  const raw = 4 + 1 + 100
  expect(wal.stats()).toMatchObject({ records: 1, frames: 1, rawBytes: raw, bytes: 48 + raw, segments: 1, fsyncs: 0 })
  await wal.appendBatch([Record.put('k', noise(100)), Record.put('k', noise(100)), Record.delete('k')])
  const more = 2 * raw + 5
  expect(wal.stats()).toMatchObject({ records: 4, frames: 2, rawBytes: raw + more, bytes: 96 + raw + more })
  expect((fs as CrashableFileSystem).file(`${DIRECTORY}/000001.wal`).length).toBe(80 + wal.stats().bytes)
})

test('compression shows', async () => {
  const { wal } = await openLog({ codec: 'lz4' })
  await wal.append(Record.put('k', text(10_000)))
  const { bytes, rawBytes } = wal.stats()
  expect(rawBytes).toBeGreaterThan(10_000)
  expect(bytes).toBeLessThan(1000)
})

test('syncs are counted and timed, each is an event', async () => {
  const events: WalEvent[] = []
  const start = performance.now()
  const { wal } = await openLog({ fsync: 'always', onEvent: event => events.push(event) })
  for (let i = 0; i < 5; i++) await fill(wal, 1)
  const { fsyncs, fsyncMs } = wal.stats()
  expect(fsyncs).toBe(5)
  expect(fsyncMs.total).toBeGreaterThanOrEqual(fsyncMs.max)
  expect(fsyncMs.max).toBeGreaterThan(0)
  expect(fsyncMs.total).toBeLessThanOrEqual(performance.now() - start)
  const told = events.filter(event => event.type === 'fsync')
  expect(told).toHaveLength(5)
  expect(told.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(fsyncMs.total)
})

test('segments are counted as they come and go', async () => {
  const start = performance.now()
  const { wal, fs } = await openLog(TINY_SEGMENTS)
  await fill(wal, 4)
  expect(wal.stats()).toMatchObject({ segments: 4, segmentsRolled: 3, segmentsDeleted: 0 })
  await wal.deleteSegmentsBefore({ segment: 3, offset: 0, index: 0 })
  expect(wal.stats()).toMatchObject({ segments: 2, segmentsRolled: 3, segmentsDeleted: 2 })
  expect(wal.stats().gcMs.max).toBeGreaterThan(0)
  expect(wal.stats().gcMs.total).toBeLessThanOrEqual(performance.now() - start)
  const again = await reopened(wal, { ...TINY_SEGMENTS, fs })
  expect(again.wal.stats()).toMatchObject({ segments: 2, segmentsRolled: 0, segmentsDeleted: 0, records: 0 })
})

test('a torn end that is cut off is an event, and its bytes are kept where it says', async () => {
  const { wal, fs } = await openLog({ fsync: 'always' })
  await fill(wal, 2)
  const left = await afterPowerCut(fs)
  const path = `${DIRECTORY}/000001.wal`
  left.put(path, Buffer.concat([left.file(path), Buffer.from('torn')]))
  const events: WalEvent[] = []
  const again = await openLog({ fs: left, onEvent: event => events.push(event) })
  expect(again.wal.stats().bytesTruncated).toBe(4)
  expect(events).toEqual([{ type: 'truncated', segment: 1, bytes: 4, keptIn: expect.stringMatching(/torn/) }])
  const [event] = events
  expect(event?.type === 'truncated' && left.file(event.keptIn).toString()).toBe('torn')
})

test('a segment that is ended is an event, with what it takes', async () => {
  const events: WalEvent[] = []
  const { wal, fs } = await openLog({ ...TINY_SEGMENTS, fsync: 'os', onEvent: event => events.push(event) })
  await fill(wal, 3)
  await wal.close()
  const rolls = events.filter(event => event.type === 'segmentRoll')
  const bytes = (id: number) => (fs as CrashableFileSystem).file(`${DIRECTORY}/00000${id}.wal`).length
  expect(rolls).toEqual([1, 2, 3].map(id => ({ type: 'segmentRoll', segment: id, bytes: bytes(id) })))
})

test('a log that can be written no more tells why, once', async () => {
  const events: WalEvent[] = []
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ fs, fsync: 'os', onEvent: event => events.push(event) })
  await fill(wal, 1)
  fs.fail('sync', { code: 'EIO' })
  const errors = [
    await wal.sync().catch((error: unknown) => error),
    await fill(wal, 1).catch((error: unknown) => error)
  ]
  expect(errors[0]).toMatchObject({
    code: 'LEVEL_IO_ERROR',
    message: expect.stringContaining('could not be put on stable storage; close the log and open it again')
  })
  expect(errors[1]).toBe(errors[0])
  expect(events).toEqual([{ type: 'poisoned', error: errors[0] }])
})

test('an object that stats() has returned does not change when the log is written to', async () => {
  const { wal } = await openLog({ fsync: 'always' })
  const before = wal.stats()
  await fill(wal, 1)
  expect(before).toMatchObject({ records: 0, fsyncs: 0, fsyncMs: { total: 0 } })
})

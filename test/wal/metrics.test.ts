import type { Meter } from '@opentelemetry/api'
import { DataPointType, type Histogram, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Record, type WalOptions } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { noise } from '../support/sample-values.js'
import { contents, fill, keys, numbered, openLog, reopened, TINY_SEGMENTS } from './open-log.js'

class OnDemand extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** A meter, and what it was told: the sum of a counter, `{ count, sum }` of a histogram. */
function meterToRead() {
  const reader = new OnDemand()
  const provider = new MeterProvider({ readers: [reader] })
  const read = async () => {
    const values: { [name: string]: number | { count: number; sum: number | undefined } } = {}
    const { resourceMetrics } = await reader.collect()
    for (const { metrics } of resourceMetrics.scopeMetrics) {
      for (const { descriptor, dataPointType, dataPoints } of metrics) {
        const { value } = dataPoints[0]!
        const { count, sum } = value as Histogram
        values[descriptor.name] = dataPointType === DataPointType.HISTOGRAM ? { count, sum } : (value as number)
      }
    }
    return values
  }
  return { meter: provider.getMeter('test'), read }
}

async function work(options: WalOptions) {
  const { wal, fs } = await openLog({ ...TINY_SEGMENTS, fsync: 'os', ...options })
  await fill(wal, 4)
  await wal.appendBatch([Record.put('5', noise(10)), Record.put('6', '')])
  await wal.sync()
  const deleted = await wal.deleteSegmentsBefore({ segment: 3, offset: 0, index: 0 })
  const found = await keys(wal.read())
  return { wal, fs, deleted, found }
}

test('the instruments tell what the statistics tell', async () => {
  const { meter: own, read } = meterToRead()
  const { wal } = await work({ meter: own })
  const stats = wal.stats()
  expect(stats).toMatchObject({ records: 6, segments: 3, segmentsDeleted: 2 })
  const told = await read()
  expect(told).toEqual({
    wal_records_total: 6,
    wal_bytes_total: stats.bytes,
    wal_fsync_ms: { count: stats.fsyncs, sum: expect.closeTo(stats.fsyncMs.total) },
    wal_gc_latency_ms: { count: 1, sum: expect.closeTo(stats.gcMs.total) },
    wal_segments_deleted_total: 2,
    wal_segment_count: 3
  })
})

test('the number of segments is right after a log was opened again', async () => {
  const { meter: own, read } = meterToRead()
  const { wal, fs } = await work({ meter: own })
  await reopened(wal, { ...TINY_SEGMENTS, fs, meter: own })
  expect((await read())['wal_segment_count']).toBe(3)
})

test('two logs with one meter are counted together', async () => {
  const { meter: own, read } = meterToRead()
  await work({ meter: own })
  await work({ meter: own })
  expect(await read()).toMatchObject({ wal_records_total: 12, wal_segment_count: 6 })
})

async function outcome(options: WalOptions) {
  const { deleted, found, wal } = await work(options)
  const { records, bytes, segments } = wal.stats()
  await wal.close()
  return { deleted, found, records, bytes, segments }
}

test('with and without a meter the result is the same', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 })
  onTestFinished(() => void vi.useRealTimers())
  expect(await outcome({ meter: meterToRead().meter })).toEqual(await outcome({ meter: false }))
  expect(await outcome({ meter: undefined })).toEqual(await outcome({ meter: false }))
})

/** A meter whose instruments throw, from the moment that `isBroken` says so. */
function throwingMeter(isBroken = () => true): Meter {
  const throwing = () => {
    if (isBroken()) throw new Error('The meter threw')
  }
  const instrument = { add: throwing, record: throwing }
  const create = () => instrument
  return { createCounter: create, createUpDownCounter: create, createHistogram: create } as unknown as Meter
}

function raise(): never {
  throw new Error('It threw')
}

/** Whoever throws is warned of: not into the output of the tests. */
function quietWarnings() {
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue()
  onTestFinished(() => warn.mockRestore())
  return warn
}

/** Everything works, from opening to opening again. */
async function isUnharmed(options: WalOptions): Promise<boolean> {
  const fs = new CrashableFileSystem()
  const { wal, deleted, found } = await work({ ...options, fs })
  expect([deleted, found]).toEqual([2, numbered(3, 6)])
  await wal.append(Record.put('7', ''), { sync: true })
  expect(wal.stats()).toMatchObject({ records: 7, segments: 3, segmentsDeleted: 2 })
  await wal.close()
  expect(Object.keys(contents(fs))).toHaveLength(3)
  const again = await openLog({ ...TINY_SEGMENTS, ...options, fs })
  expect(await keys(again.wal.read())).toEqual(numbered(3, 7))
  return true
}

test('a meter whose instruments throw changes nothing', async () => {
  quietWarnings()
  expect(await isUnharmed({ meter: throwingMeter() })).toBe(true)
})

test('a meter that cannot make its instruments changes nothing, and is told of as a warning', async () => {
  const warn = quietWarnings()
  const meter = { createCounter: raise, createUpDownCounter: raise, createHistogram: raise }
  expect(await isUnharmed({ meter: meter as unknown as Meter })).toBe(true)
  expect(warn).toHaveBeenCalledWith('The meter of the log threw: Error: It threw', 'CompressedKvWarning')
})

test('one whose instruments begin to throw while the log is open changes nothing', async () => {
  quietWarnings()
  let broken = false
  const { wal } = await openLog({ meter: throwingMeter(() => broken), fsync: 'always' })
  await fill(wal, 1)
  broken = true
  await fill(wal, 2)
  broken = false
  await fill(wal, 1)
  expect(await keys(wal.read())).toEqual(numbered(1, 4))
})

test('a listener that throws changes nothing, and is told of as a warning', async () => {
  const warn = quietWarnings()
  expect(await isUnharmed({ onEvent: raise })).toBe(true)
  expect(warn).toHaveBeenCalledWith(expect.stringMatching(/listener .*It threw/), expect.anything())
})

test('a meter and a listener that throw on and on are warned of once each', async () => {
  const warn = quietWarnings()
  await work({ meter: throwingMeter(), onEvent: raise })
  expect(warn.mock.calls).toEqual([
    ['The meter of the log threw: Error: The meter threw', 'CompressedKvWarning'],
    ['A listener for events of the log threw: Error: It threw', 'CompressedKvWarning']
  ])
})

test('a log that is closed counts no segments any more', async () => {
  const { meter: own, read } = meterToRead()
  const { wal } = await work({ meter: own })
  await wal.close()
  expect((await read())['wal_segment_count']).toBe(0)
})

import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { sealRaw } from '../../src/envelope/seal.js'
import { Record, type WalOptions } from '../../src/index.js'
import { FRAME_TYPE } from '../../src/wal/format/format.js'
import { unsealRecord } from '../../src/wal/format/record-codec.js'
import { RecordCursor } from '../../src/wal/format/record-cursor.js'
import { type LogRecord, rangeClear, rawPut, sealedPut } from '../../src/wal/format/record.js'
import { Log, type LogContext } from '../../src/wal/log.js'
import { resolveWalOptions } from '../../src/wal/options.js'
import { readerOf } from '../../src/wal/wal-reader.js'
import { waiter } from '../../src/wal/writing/open-frame.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { noise } from '../support/sample-values.js'
import { rejectedCode } from '../support/thrown-code.js'
import { track, turns } from '../support/turns.js'
import { afterPowerCut, collect, contents, DIRECTORY, keys, numbered, TINY_SEGMENTS } from './open-log.js'

const STORE = Buffer.alloc(16, 1)
const OTHER = Buffer.alloc(16, 2)
/** Bytes of a seal, the last frame of a closed segment. */
const SEAL = 48 + 16

type Context = Partial<LogContext>

/** Opens a log as a store does, and closes it after the test. */
async function open(fs: WalOptions['fs'], context: Context = {}, options: WalOptions = {}): Promise<Log> {
  const settings = resolveWalOptions({ dir: DIRECTORY, meter: false, codec: 'none', ...options, fs })
  const { log } = await Log.open(settings, { unseal: unsealRecord, ...context })
  onTestFinished(() => log.close().catch(() => {}))
  return log
}

async function reopen(log: Log, fs: WalOptions['fs'], context: Context = {}, options: WalOptions = {}): Promise<Log> {
  await log.close()
  return open(fs, context, options)
}

function append(log: Log, record: LogRecord): Promise<void> {
  return new Promise(
    (resolve, reject) =>
      void log.append(
        record,
        false,
        waiter(() => resolve(), reject)
      )
  )
}

async function fill(log: Log, count: number, bytes = 1000): Promise<void> {
  for (let i = 0; i < count; i++) await append(log, Record.put(String(log.nextSequence), noise(bytes)))
}

/** The frames from a segment on: 'data 1', their type and keys. */
async function framesOf(log: Log, segment = 0): Promise<string[]> {
  const names = Object.fromEntries(Object.entries(FRAME_TYPE).map(([name, type]) => [type, name]))
  const frames = log.frames({ segment, offset: 0 })
  const found: string[] = []
  for (let at = await frames.next(); at !== undefined; at = await frames.next()) {
    const { type } = at.frame.header
    const line = [names[type]!]
    const records = new RecordCursor(at.payload)
    if (type === FRAME_TYPE.data || type === FRAME_TYPE.snapshotData) {
      while (records.next()) line.push(records.key.toString())
    }
    found.push(line.join(' '))
  }
  await frames.close()
  return found
}

/** Of the segments' files, bytes. */
function sizes(fs: CrashableFileSystem): number[] {
  const segments = fs.paths().filter(path => path.endsWith('.wal'))
  return segments.map(path => fs.file(path).length)
}

describe('whose log it is', () => {
  test('a new one becomes that of the store, and keeps its name', async () => {
    const fs = new CrashableFileSystem()
    const log = await open(fs, { storeId: STORE })
    expect(log.storeId).toEqual(STORE)
    await fill(log, 1)
    expect((await reopen(log, fs)).storeId).toEqual(STORE)
  })

  test('without a store it gets a name of its own, at random', async () => {
    const [first, second] = [await open(new CrashableFileSystem()), await open(new CrashableFileSystem())]
    expect(first.storeId).toHaveLength(16)
    expect(first.storeId).not.toEqual(second.storeId)
  })

  test('the log of another store is refused, whole and unlocked', async () => {
    const fs = new CrashableFileSystem()
    const log = await open(fs, { storeId: STORE })
    await fill(log, 1)
    await log.close()
    const before = contents(fs)
    await expect(open(fs, { storeId: OTHER })).rejects.toThrow('another store')
    expect(contents(fs)).toEqual(before)
    expect((await open(fs, { storeId: STORE })).nextSequence).toBe(2)
  })

  test('what the store does not approve of is left as it is: the store is told which segments there are', async () => {
    const createdAt = 1_700_000_000_000
    vi.useFakeTimers({ toFake: ['Date'], now: createdAt })
    onTestFinished(() => void vi.useRealTimers())
    const disk = new CrashableFileSystem()
    const log = await open(disk, {}, TINY_SEGMENTS)
    await fill(log, 3)
    const fs = await afterPowerCut(disk) // Not sealed: to open it is to write to it.
    const before = contents(fs)
    const seen: unknown[] = []
    const approve: LogContext['approve'] = segments => {
      seen.push(...segments)
      throw new Error('Not mine')
    }
    await expect(open(fs, { approve }, TINY_SEGMENTS)).rejects.toThrow('Not mine')
    expect(seen).toEqual([
      { firstSequence: 1, lastSequence: 1, createdAt },
      { firstSequence: 2, lastSequence: 2, createdAt },
      { firstSequence: 3, lastSequence: 2, createdAt }
    ])
    expect(contents(fs)).toEqual(before)
    expect((await open(fs, { approve: () => {} }, TINY_SEGMENTS)).nextSequence).toBe(3)
  })

  test('a lock counts for nothing if the store knows that its owner is gone', async () => {
    const disk = new CrashableFileSystem()
    const log = await open(disk)
    await fill(log, 1)
    const fs = disk.clone()
    const lock = `${DIRECTORY}/LOCK`
    const owner = JSON.parse(fs.file(lock).toString()) as object
    // Of this process, which lives, and not of this log: that of a thread, say, that has ended.
    fs.put(lock, Buffer.from(JSON.stringify({ ...owner, nonce: '0' })))
    expect(await rejectedCode(open(fs))).toBe('LEVEL_LOCKED')
    expect((await open(fs, { ownerIsDead: true })).nextSequence).toBe(2)
  })

  test('where only reading is asked for, a directory that is not there may be a log without segments', async () => {
    const fs = new CrashableFileSystem()
    const context = { storeId: STORE, mayBeMissing: true }
    const log = await open(fs, context, { readOnly: true })
    expect(log.isNew).toBe(true)
    expect(await keys(log.read())).toEqual([])
    expect(fs.steps).toBe(0)
    const denied = new FaultyFileSystem(fs)
    denied.fail('list', { code: 'EACCES' })
    await expect(open(denied, context, { readOnly: true })).rejects.toMatchObject({ code: 'EACCES' })
  })
})

describe('numbers', () => {
  test('begin where the store says, or where the log is, whichever is later', async () => {
    const fs = new CrashableFileSystem()
    let log = await open(fs, { minSequence: 100 })
    expect([log.nextSequence, log.firstSequence]).toEqual([100, 100])
    await fill(log, 2)
    log = await reopen(log, fs, { minSequence: 50 })
    expect([log.nextSequence, log.firstSequence]).toEqual([102, 100])
    expect((await log.get(101)).key.toString()).toBe('101')
    log = await reopen(log, fs, { minSequence: 200 })
    await fill(log, 1)
    expect(await keys(log.read())).toEqual(['100', '101', '200'])
  })

  test('a log is new until something was written to it', async () => {
    const fs = new CrashableFileSystem()
    let log = await open(fs)
    expect([log.isNew, log.firstSegment, log.bytes, log.appendedBytes]).toEqual([true, 0, 0, 0])
    await log.ensureSegment()
    log = await reopen(log, fs)
    expect([log.isNew, log.firstSegment, log.bytes]).toEqual([true, 1, 80])
    await fill(log, 1)
    expect(log.isNew).toBe(false)
    expect((await reopen(log, fs)).isNew).toBe(false)
  })

  test('the segment that has records above a number is known; beyond all it is that of the next record', async () => {
    const log = await open(new CrashableFileSystem(), {}, TINY_SEGMENTS)
    expect(log.segmentAbove(0)).toBe(1)
    await fill(log, 4)
    expect([0, 1, 2, 3, 4, 9].map(sequence => log.segmentAbove(sequence))).toEqual([1, 2, 3, 4, 4, 4])
    await log.roll()
    expect(log.segmentAbove(4)).toBe(5)
  })
})

describe('segments', () => {
  test('the one that is written to next is made on demand, once', async () => {
    const fs = new CrashableFileSystem()
    const log = await open(fs)
    expect(sizes(fs)).toEqual([])
    for (let i = 0; i < 2; i++) await log.ensureSegment()
    expect(sizes(fs)).toHaveLength(1)
    await fill(log, 1)
    await log.ensureSegment()
    expect(sizes(fs)).toHaveLength(1)
    const again = await reopen(log, fs)
    for (let i = 0; i < 2; i++) await again.ensureSegment()
    expect(sizes(fs)).toHaveLength(2)
  })

  test('the open one can be ended, and keeps the numbers when all others are deleted', async () => {
    const fs = new CrashableFileSystem()
    let log = await open(fs)
    await fill(log, 3)
    const { segment, offset } = log.position
    expect(log.openSegmentBytes).toBe(offset)
    await log.roll()
    expect(log.position).toEqual({ segment: segment + 1, offset: 80, index: 0 })
    expect(log.openSegmentBytes).toBe(80)
    await expect(log.get(4)).rejects.toThrow('no record 4:')
    expect(await log.deleteSegmentsBefore(log.position)).toBe(1)
    expect([log.firstSegment, log.firstSequence, log.nextSequence]).toEqual([2, 4, 4])
    log = await reopen(log, fs)
    expect([log.nextSequence, log.openSegmentBytes, log.position.segment]).toEqual([4, 0, 3])
    await fill(log, 2)
    expect(await keys(log.read())).toEqual(['4', '5'])
    expect(log.openSegmentBytes).toBe(log.position.offset)
  })

  test('one that is missing behind some that hold nothing is refused, with what may be deleted', async () => {
    const fs = new CrashableFileSystem()
    let log = await open(fs, {}, TINY_SEGMENTS)
    await log.ensureSegment()
    log = await reopen(log, fs, {}, TINY_SEGMENTS)
    await fill(log, 4)
    await log.close()
    await fs.remove(`${DIRECTORY}/000002.wal`)
    await expect(open(fs)).rejects.toThrow(
      `segment 2 of the log in ${DIRECTORY} is missing. Restore the directory from a backup, or, if older segments ` +
        `were being deleted, delete ${DIRECTORY}/000001.wal too: no record is in it`
    )
    await fs.remove(`${DIRECTORY}/000001.wal`)
    expect(await keys((await open(fs, {}, { readOnly: true })).read())).toEqual(['2', '3', '4'])
    await fs.remove(`${DIRECTORY}/000004.wal`)
    await expect(open(fs, {}, { readOnly: true })).rejects.toThrow(
      /segment 4 .* missing\. Restore .* backup, or read what can be read with recovery: 'salvage' or `ckv wal --salvage`$/
    )
  })

  test('bytes are those of the files without their seals, and of the frames that were appended since the log was opened', async () => {
    const fs = new CrashableFileSystem()
    let log = await open(fs, {}, TINY_SEGMENTS)
    await fill(log, 3)
    const [before, appended] = [log.bytes, log.appendedBytes]
    await fill(log, 1)
    expect(log.bytes - before).toBe(80 + log.appendedBytes - appended)
    log = await reopen(log, fs)
    expect(log.bytes).toBe(sizes(fs).reduce((sum, size) => sum + size - SEAL, 0))
    expect(log.appendedBytes).toBe(0)
  })
})

describe('frames of all types, from a place on', () => {
  test('that was deleted are out of range; from one that is not there yet there are none', async () => {
    const log = await open(new CrashableFileSystem(), {}, TINY_SEGMENTS)
    await fill(log, 3)
    await log.deleteSegmentsBefore({ segment: 3 })
    await expect(framesOf(log, 2)).rejects.toThrow('The log has no segment 2')
    expect(await framesOf(log, 3)).toEqual(['data 3'])
    expect(await framesOf(log, 4)).toEqual([])
    expect(await framesOf(log)).toEqual(['data 3'])
  })

  test('hold the segment that they are in', async () => {
    const log = await open(new CrashableFileSystem(), {}, TINY_SEGMENTS)
    await fill(log, 3)
    const frames = log.frames({ segment: 2, offset: 80 })
    expect((await frames.next())?.segment).toBe(2)
    expect(await log.deleteSegmentsBefore({ segment: 3 })).toBe(1)
    expect((await frames.next())?.segment).toBe(3)
    expect(await log.deleteSegmentsBefore({ segment: 3 })).toBe(1)
    await frames.close()
    expect(await frames.next()).toBeUndefined()
  })
})

describe('waiting', () => {
  test('until all that was appended is written or rejected', async () => {
    const fs = new FaultyFileSystem(new CrashableFileSystem())
    const log = await open(fs)
    await expect(log.settled()).resolves.toBeUndefined()
    await fill(log, 1)
    const writing = fs.hold('write')
    const [written, settled] = [append(log, Record.put('2', noise(300_000))), log.settled()]
    const state = track(settled)
    await writing.reached
    await turns()
    expect(state.settled).toBe(false)
    writing()
    await Promise.all([written, settled])
    fs.fail('writeSync', { code: 'EIO' })
    const outcome = append(log, Record.put('3', '')).catch((error: { code?: string }) => error.code)
    await log.settled()
    expect(await outcome).toBe('EIO')
  })

  test('until what is written is on stable storage, though nothing was appended with a sync', async () => {
    const fs = new CrashableFileSystem()
    const log = await open(fs, {}, { fsync: 'os' })
    await fill(log, 2)
    await log.syncWritten()
    expect((await open(await afterPowerCut(fs))).nextSequence).toBe(3)
  })

  test('a log that can be written no more says why', async () => {
    const fs = new FaultyFileSystem(new CrashableFileSystem())
    const log = await open(fs)
    await fill(log, 1)
    expect(log.poison).toBeUndefined()
    fs.fail('sync', { code: 'EIO' })
    await expect(log.syncWritten()).rejects.toMatchObject({ code: 'LEVEL_IO_ERROR' })
    expect(log.poison).toMatchObject({ code: 'LEVEL_IO_ERROR' })
  })
})

test('records with hidden keys take numbers and are shown to no reader', async () => {
  const log = await open(new CrashableFileSystem(), { isHidden: key => key[0] === 0 })
  for (const key of ['a', '\0', '\0b', 'c', '\0']) await append(log, Record.put(key, ''))
  const batch = new Promise<void>((resolve, reject) => {
    const records = ['d', '\0', 'e'].map(key => Record.put(key, ''))
    log.appendBatch(
      records,
      false,
      waiter(() => resolve(), reject)
    )
  })
  await batch
  expect(log.nextSequence).toBe(9)
  const seen: [string, number][] = []
  for await (const { record, position } of log.read()) {
    seen.push([record.key.toString(), record.sequence])
    expect(await log.get(position)).toEqual(record)
  }
  expect(seen).toEqual([
    ['a', 1],
    ['c', 4],
    ['d', 6],
    ['e', 8]
  ])
  for (const sequence of [2, 3, 5, 7]) {
    await expect(log.get(sequence)).rejects.toThrow(`no record ${sequence}:`)
  }
})

test('what a store logs is read back as it was: plain, expiring and sealed values, and ranges that were cleared', async () => {
  const log = await open(new CrashableFileSystem())
  const [key, value] = [Buffer.from('k'), Buffer.from('value')]
  await append(log, rawPut(key, value, 0))
  await append(log, rawPut(key, value, 1_234_567))
  await append(log, sealedPut(key, sealRaw(value, { guard: NO_GUARD, mayOmitChecksum: false })))
  await append(log, rangeClear(Buffer.from('a'), Buffer.from('b')))
  await append(log, rangeClear(Buffer.from('a'), Buffer.alloc(0)))
  const put = { kind: 'put', key, value, tombstone: false }
  const cleared = { kind: 'clear', key: Buffer.from('a'), value: undefined, tombstone: true }
  const expected = [
    { ...put, sequence: 1 },
    { ...put, sequence: 2, expiresAt: 1_234_567 },
    { ...put, sequence: 3 },
    { ...cleared, sequence: 4, end: Buffer.from('b') },
    { ...cleared, sequence: 5, end: undefined }
  ]
  const reader = readerOf(log)
  expect((await collect(reader.read())).map(({ record }) => record)).toEqual(expected)
  for (const [i, record] of expected.entries()) expect(await reader.get(i + 1)).toEqual(record)
  expect([reader.position, reader.nextSequence, reader.stats()]).toEqual([log.position, 6, log.stats()])
  await expect(reader.get(6)).rejects.toMatchObject({ code: 'CKV_OUT_OF_RANGE' })
})

describe('a snapshot', () => {
  test('is found when the log is opened again, with what it takes; readers of records pass it by', async () => {
    const fs = new CrashableFileSystem()
    let log = await open(fs, {}, { blockBytes: 1024 })
    await fill(log, 3)
    const writer = log.snapshotWriter()
    const { segment } = await writer.begin(3)
    expect(segment).toBe(2)
    for (const key of ['x', 'y', 'z']) await writer.add(Record.put(key, noise(500)))
    await fill(log, 1)
    await writer.add(Record.put('large', noise(5000)))
    await writer.add(Record.put('last', ''))
    const bytes = await writer.end()
    expect(bytes).toBeGreaterThan(6500)
    expect(bytes).toBeLessThan(7000)
    await fill(log, 1)
    expect(await keys(log.read())).toEqual(numbered(1, 5))
    const frames = ['snapshotBegin', 'snapshotData x y', 'data 4', 'snapshotData z']
    frames.push('snapshotData large', 'snapshotData last', 'snapshotEnd', 'data 5')
    expect(await framesOf(log, 2)).toEqual(frames)
    expect(log.snapshot).toBeUndefined()

    log = await reopen(log, fs)
    expect(log.snapshot).toMatchObject({ segment: 2, offset: 80, sequence: 3 })
    // From its beginning to its end, with what others appended meanwhile.
    expect(log.snapshot!.bytes).toBe(bytes + 5 * 48 + 8 + 48 + 1000 + 6)
    expect(await keys(log.read())).toEqual(numbered(1, 5))
    for (const sequence of [3, 4, 5]) expect((await log.get(sequence)).key.toString()).toBe(String(sequence))
  })

  test('over several segments is one, and its bytes are those of all of them', async () => {
    const fs = new CrashableFileSystem()
    const log = await open(fs, {}, TINY_SEGMENTS)
    await fill(log, 2)
    const writer = log.snapshotWriter()
    await writer.begin(2)
    for (let i = 0; i < 5; i++) await writer.add(Record.put('k', noise(900)))
    const bytes = await writer.end()
    const { snapshot, position } = await reopen(log, fs)
    expect(snapshot).toMatchObject({ segment: 3, offset: 80, sequence: 2 })
    expect(position.segment).toBeGreaterThan(7)
    expect(snapshot!.bytes).toBeGreaterThan(bytes)
    expect(snapshot!.bytes).toBeLessThan(bytes + 5 * 300)
  })

  test('is no record: its frames are out of range', async () => {
    const log = await open(new CrashableFileSystem())
    const writer = log.snapshotWriter()
    await writer.begin(0)
    await writer.add(Record.put('k', 'v'))
    await writer.end()
    for (const offset of [80, 80 + 48 + 8]) {
      await expect(log.get({ segment: 1, offset, index: 0 })).rejects.toThrow('holds no records')
    }
  })

  test('is passed by on the way to a record that salvage skipped', async () => {
    const fs = new CrashableFileSystem()
    const log = await open(fs)
    const writer = log.snapshotWriter()
    await writer.begin(0)
    await fill(log, 1)
    for (let i = 0; i < 20; i++) await writer.add(Record.put('k', noise(10_000)))
    await writer.end()
    const { segment, offset } = log.position
    await fill(log, 2)
    await log.close()
    const bytes = fs.file(`${DIRECTORY}/000001.wal`)
    bytes[offset + 100]! ^= 1
    fs.put(`${DIRECTORY}/000001.wal`, bytes)
    const left = await open(fs, {}, { recovery: 'salvage' })
    expect([segment, await keys(left.read())]).toEqual([1, [...Array.from({ length: 20 }, () => 'k'), '1', '3']])
    for (const at of [2, { segment, offset, index: 0 }]) {
      expect(await rejectedCode(Promise.resolve().then(() => left.get(at)))).toBe('CKV_OUT_OF_RANGE')
    }
    expect((await left.get(3)).key.toString()).toBe('3')
  })

  test('of nothing is one as well, and a log with one is not new', async () => {
    const fs = new CrashableFileSystem()
    const log = await open(fs)
    const writer = log.snapshotWriter()
    await writer.begin(0)
    expect(await writer.end()).toBe(0)
    const again = await reopen(log, fs)
    expect(again.snapshot).toMatchObject({ segment: 1, offset: 80, sequence: 0 })
    expect(again.isNew).toBe(false)
    expect(await framesOf(again)).toEqual(['snapshotBegin', 'snapshotEnd'])
  })

  test('that was not written to its end does not count, and the one before does', async () => {
    const fs = new CrashableFileSystem()
    let log = await open(fs)
    const whole = log.snapshotWriter()
    await whole.begin(0)
    await whole.end()
    await fill(log, 2)
    const half = log.snapshotWriter()
    await half.begin(2)
    await half.add(Record.put('k', noise(100_000)))
    log = await reopen(log, fs)
    expect(log.snapshot).toMatchObject({ segment: 1, sequence: 0 })
    const newer = log.snapshotWriter()
    await newer.begin(2)
    await newer.end()
    expect((await reopen(log, fs)).snapshot).toMatchObject({ segment: 3, sequence: 2 })
  })

  test('is on stable storage when it has ended', async () => {
    const fs = new CrashableFileSystem()
    const log = await open(fs, {}, { fsync: 'os' })
    await fill(log, 1)
    const writer = log.snapshotWriter()
    await writer.begin(1)
    await writer.add(Record.put('k', 'v'))
    await writer.end()
    expect((await open(await afterPowerCut(fs))).snapshot).toMatchObject({ sequence: 1 })
  })

  test('is not written to a log that is only read', async () => {
    const fs = new CrashableFileSystem()
    const log = await reopen(await open(fs), fs, {}, { readOnly: true })
    expect(() => log.snapshotWriter()).toThrow('read-only')
  })
})

import { expect, onTestFinished, test } from 'vitest'
import { Record, Wal, type WalOptions } from '../../src/index.js'
import { unsealRecord } from '../../src/wal/format/record-codec.js'
import { type LogRecord, sealedPut } from '../../src/wal/format/record.js'
import { Log } from '../../src/wal/log.js'
import { resolveWalOptions } from '../../src/wal/options.js'
import { waiter } from '../../src/wal/writing/open-frame.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { contents as contentsOf, LOG, logOn, openLogged } from '../support/logged-store.js'
import { noise } from '../support/sample-values.js'
import { contents, DIRECTORY } from './open-log.js'

const FILE = `${DIRECTORY}/000001.wal`

async function open(fs: CrashableFileSystem, options: WalOptions = {}) {
  const settings = resolveWalOptions({ dir: DIRECTORY, meter: false, codec: 'none', blockBytes: 1024, ...options, fs })
  const opened = await Log.open(settings, { unseal: unsealRecord })
  onTestFinished(() => opened.log.close().catch(() => {}))
  return opened
}

function append(log: Log, record: LogRecord): Promise<void> {
  return new Promise((resolve, reject) => {
    log.append(
      record,
      false,
      waiter(() => resolve(), reject)
    )
  })
}

/** Puts of 600 bytes, a frame each. */
async function put(log: Log, ...names: string[]): Promise<void> {
  for (const name of names) await append(log, Record.put(name, noise(600)))
}

/** A snapshot of what was logged so far, a frame for each of its records. */
async function snapshot(log: Log, names: readonly string[], { ends = true, meanwhile = async () => {} } = {}) {
  const writer = log.snapshotWriter()
  await writer.begin(log.nextSequence - 1)
  for (const name of names) {
    await writer.add(Record.put(name, noise(600)))
    await meanwhile()
  }
  if (ends) await writer.end()
}

/** Closes a log, damages bytes of its segments and opens what is left: its records as 'number key', and the report. */
async function salvaged(log: Log, fs: CrashableFileSystem, ...flips: readonly [segment: number, offset: number][]) {
  await log.close()
  for (const [segment, offset] of flips) flip(fs, `${DIRECTORY}/00000${segment}.wal`, offset)
  const before = contents(fs)
  const { log: left, recovery } = await open(fs, { recovery: 'salvage' })
  const handles = fs.openHandles
  const records = await recordsOf(left)
  expect(fs.openHandles).toBe(handles)
  expect(recovery.records).toBe(records.length)
  expect(contents(fs)).toEqual(before)
  return { left, recovery, records }
}

/** A record whose value is no envelope, though it says so. */
function damaged(name: string): LogRecord {
  return sealedPut(Buffer.from(name), noise(50))
}

async function recordsOf(log: Log): Promise<string[]> {
  const records: string[] = []
  for await (const { record } of log.read()) records.push(`${record.sequence} ${record.key.toString()}`)
  return records
}

function flip(fs: CrashableFileSystem, path: string, offset: number): void {
  const bytes = fs.file(path)
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset)
  fs.put(path, bytes)
}

/** Offset of the nth frame of 600 bytes and one key of a letter. */
const FRAME_BYTES = 48 + 5 + 1 + 600
const SNAPSHOT_AT = 80 + 48 + 8

test('of a store whose backend keeps nothing what a snapshot has is read as well', async () => {
  const fs = new CrashableFileSystem()
  const options = logOn(fs, { segmentBytes: 20_000 })
  const store = await openLogged(options)
  for (let i = 0; i < 100; i++) await store.put(`live ${i}`, noise(500))
  for (let i = 0; i < 3; i++) await store.put(`tail ${i}`, noise(500))
  const live = (await contentsOf(store)).map(([key]) => key)
  await store.close()
  const last = fs.paths().findLast(path => path.endsWith('.wal'))!
  expect(fs.paths()).not.toContain(`${LOG}/000001.wal`)
  flip(fs, last, fs.file(last).length - 200)
  const { wal, recovery } = await Wal.open({ dir: LOG, recovery: 'salvage', meter: false, fs })
  const keys: string[] = []
  for await (const { record } of wal.read()) keys.push(record.key.toString())
  await wal.close()
  expect(live.filter(key => !keys.includes(key))).toEqual(['tail 2'])
  expect(recovery.corruption).toHaveLength(1)
  expect(recovery.records).toBe(keys.length)
})

test('a snapshot that is whole is read first, and then what came after it, wherever it lies', async () => {
  const fs = new CrashableFileSystem()
  const { log } = await open(fs)
  await put(log, 'a', 'b')
  await snapshot(log, ['a', 'b'], { meanwhile: () => put(log, 'c') })
  await put(log, 'd')
  const { left, records } = await salvaged(log, fs, [1, 100])
  // What lies before it, damaged or not, is in it.
  expect(records).toEqual(['2 a', '2 b', '3 c', '4 c', '5 d'])
  expect((await left.get(2)).key.toString()).toBe('b')
})

test('of a snapshot that is damaged what is left is read first, and then every record', async () => {
  const fs = new CrashableFileSystem()
  const { log } = await open(fs)
  await put(log, 'a', 'b', 'c')
  await snapshot(log, ['a', 'b', 'c'])
  await put(log, 'd')
  const { records, recovery } = await salvaged(log, fs, [2, SNAPSHOT_AT + FRAME_BYTES + 100])
  expect(records).toEqual(['3 a', '3 c', '1 a', '2 b', '3 c', '4 d'])
  expect(recovery.corruption).toMatchObject([
    { segment: 2, from: SNAPSHOT_AT + FRAME_BYTES, to: SNAPSHOT_AT + 2 * FRAME_BYTES }
  ])
})

test('a snapshot whose beginning is damaged is read as well; its number is that of the last record before it', async () => {
  const fs = new CrashableFileSystem()
  const { log } = await open(fs)
  await put(log, 'a', 'b')
  await snapshot(log, ['a', 'b'])
  const { records } = await salvaged(log, fs, [2, 90])
  expect(records).toEqual(['2 a', '2 b', '1 a', '2 b'])
})

test('a snapshot that was not ended is read behind the whole one before it', async () => {
  const fs = new CrashableFileSystem()
  const { log } = await open(fs)
  await put(log, 'a')
  await snapshot(log, ['a'])
  await put(log, 'b')
  await snapshot(log, ['a', 'b', 'x'], { ends: false }) // Its last frame is never written.
  await put(log, 'c')
  expect((await salvaged(log, fs)).records).toEqual(['1 a', '2 a', '2 b', '2 b', '3 c'])
})

test('of several snapshots that are whole the newest is read, over several segments', async () => {
  const fs = new CrashableFileSystem()
  const { log } = await open(fs, { segmentBytes: 1400 })
  await put(log, 'a')
  await snapshot(log, ['a'])
  await put(log, 'b', 'c')
  await snapshot(log, ['a', 'b', 'c'])
  await put(log, 'd')
  expect((await salvaged(log, fs)).records).toEqual(['3 a', '3 b', '3 c', '4 d'])
})

test('beside a snapshot values that cannot be restored are left out and reported, its own and others', async () => {
  const fs = new CrashableFileSystem()
  const { log } = await open(fs)
  await put(log, 'a')
  await append(log, damaged('b'))
  const writer = log.snapshotWriter()
  await writer.begin(0)
  for (const record of [Record.put('c', ''), damaged('d'), Record.put('e', '')]) await writer.add(record)
  await writer.end()
  await append(log, Record.put('f', ''))
  const { records, recovery } = await salvaged(log, fs)
  expect(records).toEqual(['0 c', '0 e', '1 a', '3 f'])
  expect(recovery.corruption).toEqual([
    { segment: 1, from: 80 + FRAME_BYTES, to: fs.file(FILE).length - 64, why: expect.stringContaining('1 of its 1') },
    { segment: 2, from: SNAPSHOT_AT, to: expect.any(Number), why: expect.stringContaining('1 of its 3 records') }
  ])
})

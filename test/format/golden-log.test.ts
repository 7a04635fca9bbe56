import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { openEnvelope } from '../../src/envelope/open.js'
import { sealRaw } from '../../src/envelope/seal.js'
import { FRAME_TYPE, readU64 } from '../../src/wal/format/format.js'
import { unsealRecord } from '../../src/wal/format/record-codec.js'
import { RecordCursor } from '../../src/wal/format/record-cursor.js'
import { type LogRecord, rangeClear, Record, sealedPut } from '../../src/wal/format/record.js'
import { Log } from '../../src/wal/log.js'
import { resolveWalOptions, type WalOptions } from '../../src/wal/options.js'
import type { FoundFrame } from '../../src/wal/reading/frame-cursor.js'
import { Wal } from '../../src/wal/wal.js'
import { waiter } from '../../src/wal/writing/open-frame.js'
import { noise, text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

// Written once by version 1. Whatever comes later must read them: they are never edited and never made again. Segments 1 to 4 are what
// writeUncompressed() below writes. The others were written in the same way, 5 with LZ4 and 6 with Zstandard; 7 begins with a higher
// sequence number than it needs to, and 8 with a snapshot that was never ended: it was copied before the log was closed.
const FIXTURES = fileURLToPath(new URL('fixtures/log-v1', import.meta.url))
const SHA256: { readonly [file: string]: string } = {
  '000001.wal': '3d160552131d4df5cf91479162938d6e0fd4704e470969a01e44203569c23166',
  '000002.wal': '0dd6e5c8ff148e92d31f19d4a416066329a2b478d4d72a72ce1521ed2905bb03',
  '000003.wal': 'c38ff554167f81f288cc55e8ff9151d477222b5c01574f01e07b5aca10ce178e',
  '000004.wal': 'd9957b7b9c0549db3feac2de8a85aefc85d8a0ccc9d42672cd8185e11d127b7d',
  '000005.wal': 'e8fd14d7df4b3b67703977adfbe1dc6d2af3de62fd239ba888ccd502cab0bda1',
  '000006.wal': 'c72935d996d7ef8d3096421b3115647d222ea9720c9aa28e8f7bb35b5fd08923',
  '000007.wal': 'dcfc69dbc41e0bc145ab4715fa831ac484ced9a114e400b59c6399eff1f0600c',
  '000008.wal': 'fc3e39cf70f88503de1b05f11dd16efd356241d3a58ff51965b07e707dcfc5ec',
  'log.json': 'b8c226b017452bc95a91dd5b240680ee84aabe611a06395fd6b0b7536147daf9'
}

const UNCOMPRESSED = ['000001.wal', '000002.wal', '000003.wal', '000004.wal']

interface RecordFixture {
  readonly kind: 'put' | 'delete' | 'clear'
  /** hex */
  readonly key: string
  /** hex; of a clear, the end of its range; null for a delete */
  readonly value: string | null
  readonly expiresAt: number | null
  /** hex, of a value that is stored in an envelope */
  readonly envelope: string | null
  /** The next record belongs to the same batch. */
  readonly more: boolean
}

interface FrameFixture {
  readonly offset: number
  readonly type: keyof typeof FRAME_TYPE
  readonly codec: number
  readonly rawLength: number
  readonly firstSequence: number
  readonly syncedOffset: number
  readonly records?: readonly RecordFixture[]
  /** Of the marks: their payload's numbers. */
  readonly numbers?: readonly number[]
}

interface SegmentFixture {
  readonly file: string
  readonly id: number
  readonly bytes: number
  readonly frames: readonly FrameFixture[]
}

interface LogFixture {
  readonly storeId: string
  /** ms since 1970, of every segment */
  readonly createdAt: number
  readonly segments: readonly SegmentFixture[]
}

const log = JSON.parse(readFileSync(join(FIXTURES, 'log.json'), 'utf8')) as LogFixture
const storeId = Buffer.from(log.storeId, 'hex')
const frames = log.segments.flatMap(({ id, frames: all }) => all.map(frame => ({ ...frame, segment: id })))

/** What a reader of the log sees. */
const entries = frames
  .filter(({ type }) => type === 'data')
  .flatMap(({ segment, offset, firstSequence, records }) =>
    records!.map((record, index) => ({
      record: expectedRecord(record, firstSequence + index),
      position: { segment, offset, index }
    }))
  )

function expectedRecord({ kind, key, value, envelope, ...record }: RecordFixture, sequence: number) {
  const common = { kind, key: Buffer.from(key, 'hex'), sequence }
  const bytes = value === null ? undefined : Buffer.from(value, 'hex')
  if (kind === 'delete') return { ...common, tombstone: true, value: undefined }
  if (kind === 'clear') return { ...common, tombstone: true, value: undefined, end: bytes?.length ? bytes : undefined }
  const opened = envelope === null ? undefined : openEnvelope(Buffer.from(envelope, 'hex'), NO_GUARD, Infinity)
  const expiresAt = opened?.expiresAt ?? record.expiresAt
  return { ...common, tombstone: false, value: bytes, ...(expiresAt === null ? {} : { expiresAt }) }
}

/** A copy of the golden log: opening one that was not closed changes it. */
function copyOfLog(): string {
  const dir = join(temporaryDirectory(), 'log')
  mkdirSync(dir)
  for (const { file } of log.segments) copyFileSync(join(FIXTURES, file), join(dir, file))
  return dir
}

function openLog(options: WalOptions, minSequence = 1) {
  return Log.open(resolveWalOptions({ meter: false, ...options }), { storeId, minSequence, unseal: unsealRecord })
}

/** Everything in a log, frame by frame, as the JSON beside the segments has it. */
async function framesOf(opened: Log): Promise<(FrameFixture & { segment: number })[]> {
  const cursor = opened.frames({ segment: 1, offset: 0 })
  const found: (FrameFixture & { segment: number })[] = []
  for (let next = await cursor.next(); next !== undefined; next = await cursor.next()) {
    found.push({ ...(await frameOf(next)), segment: next.segment })
  }
  await cursor.close()
  return found
}

async function frameOf({ frame, payload }: FoundFrame): Promise<FrameFixture> {
  const { header, offset } = frame
  const type = (Object.keys(FRAME_TYPE) as FrameFixture['type'][]).find(name => FRAME_TYPE[name] === header.type)!
  const { codecId: codec, rawLength, firstSequence, syncedOffset } = header
  const common = { offset, type, codec, rawLength, firstSequence, syncedOffset }
  if (type === 'data' || type === 'snapshotData') return { ...common, records: await recordsOf(payload) }
  const numbers = Array.from({ length: payload.length / 8 }, (_, i) => readU64(payload, 8 * i))
  return { ...common, numbers }
}

async function recordsOf(payload: Buffer): Promise<RecordFixture[]> {
  const records: RecordFixture[] = []
  const cursor = new RecordCursor(payload)
  while (cursor.next()) {
    const kind = (['put', 'delete', 'clear'] as const)[cursor.kind - 1]!
    const stored = cursor.value
    const value = cursor.sealed ? await unsealRecord(stored).value : stored
    records.push({
      kind,
      key: cursor.key.toString('hex'),
      value: kind === 'delete' ? null : value.toString('hex'),
      expiresAt: cursor.expiresAt === 0 ? null : cursor.expiresAt,
      envelope: cursor.sealed ? stored.toString('hex') : null,
      more: cursor.more
    })
  }
  return records
}

test.each(Object.entries(SHA256))('nobody edited %s', (file, sha256) => {
  expect(
    createHash('sha256')
      .update(readFileSync(join(FIXTURES, file)))
      .digest('hex')
  ).toBe(sha256)
})

test('every file of the log is known by its checksum', () => {
  expect(readdirSync(FIXTURES).sort()).toEqual(Object.keys(SHA256).sort())
})

describe('a log written by version 1', () => {
  test('has all types of frames, kinds of records and codecs', () => {
    const records = frames.flatMap(({ records: some = [] }) => some)
    expect(new Set(frames.map(({ type }) => type))).toEqual(new Set(Object.keys(FRAME_TYPE)))
    expect(new Set(frames.map(({ codec }) => codec))).toEqual(new Set([0, 1, 2]))
    expect(new Set(records.map(({ kind }) => kind))).toEqual(new Set(['put', 'delete', 'clear']))
    for (const has of [
      ({ more }: RecordFixture) => more,
      ({ expiresAt }: RecordFixture) => expiresAt !== null,
      ({ envelope }: RecordFixture) => envelope !== null,
      ({ key }: RecordFixture) => key === '',
      ({ key }: RecordFixture) => key.length > 2 * 0x7f
    ]) {
      expect(records.some(has)).toBe(true)
    }
  })

  test('is read, record by record', async () => {
    const { wal, recovery } = await Wal.open({ dir: copyOfLog(), meter: false })
    expect(recovery).toEqual({
      records: entries.length,
      segments: log.segments.length,
      bytesTruncated: 0,
      corruption: []
    })
    expect(wal.nextSequence).toBe(entries.at(-1)!.record.sequence + 1)
    const read: unknown[] = []
    for await (const entry of wal.read()) read.push(entry)
    expect(read).toEqual(entries)
    for (const { record, position } of entries) {
      expect(await wal.get(record.sequence)).toEqual(record)
      expect(await wal.get(position)).toEqual(record)
    }
    await wal.close()
  })

  test.each(['tail', 'strict', 'salvage'] as const)(
    'is read read-only, frame by frame but for the seals, which opening has checked, with recovery %s',
    async recovery => {
      const { log: opened } = await openLog({ dir: FIXTURES, readOnly: true, recovery })
      expect(opened.storeId).toEqual(storeId)
      const read = await framesOf(opened)
      expect(read.filter(({ type }) => type !== 'seal')).toEqual(frames.filter(({ type }) => type !== 'seal'))
      await opened.close()
      expect(readdirSync(FIXTURES)).toHaveLength(log.segments.length + 1)
    }
  )

  test('has a snapshot that is complete, and one that is not', async () => {
    const { log: opened } = await openLog({ dir: FIXTURES, readOnly: true })
    const begins = frames.filter(({ type }) => type === 'snapshotBegin')
    expect(begins).toHaveLength(2)
    const { segment, offset, numbers } = begins[0]!
    expect(opened.snapshot).toMatchObject({ segment, offset, sequence: numbers![0] })
    await opened.close()
  })

  test('gets its last segment sealed when it is opened, and goes on in a new one', async () => {
    const dir = copyOfLog()
    const { wal } = await Wal.open({ dir, meter: false })
    const last = log.segments.at(-1)!
    for (const { file } of log.segments) {
      const original = readFileSync(join(FIXTURES, file))
      const opened = readFileSync(join(dir, file))
      expect(opened.subarray(0, original.length)).toEqual(original)
      expect(opened.length - original.length).toBe(file === last.file ? 48 + 16 : 0)
    }
    const position = await wal.append(Record.put('one', 'more'))
    expect(position).toEqual({ segment: last.id + 1, offset: 80, index: 0 })
    await wal.close()

    const { log: reopened, recovery } = await openLog({ dir, recovery: 'strict' })
    expect(recovery).toMatchObject({ records: entries.length + 1, segments: log.segments.length + 1 })
    await reopened.close()
  })

  test('is refused for another store', async () => {
    const settings = resolveWalOptions({ dir: FIXTURES, readOnly: true, meter: false })
    const context = { storeId: Buffer.alloc(16, 1), unseal: unsealRecord }
    await expect(Log.open(settings, context)).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  })
})

// Compressed frames depend on the version of the codec's library, so they are only read.
describe("today's writer", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: log.createdAt })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('makes the same bytes of the same appends', async () => {
    const dir = temporaryDirectory()
    await writeUncompressed(dir)
    expect(readdirSync(dir).sort()).toEqual(UNCOMPRESSED)
    expect(bytesOf(dir)).toEqual(bytesOf(FIXTURES))
  })
})

function bytesOf(dir: string): string[] {
  return UNCOMPRESSED.map(file => `${file} ${readFileSync(join(dir, file)).toString('hex')}`)
}

function append(opened: Log, records: readonly LogRecord[], sync = false): Promise<void> {
  return new Promise((resolve, reject) =>
    opened.appendBatch(
      records,
      sync,
      waiter(() => resolve(), reject)
    )
  )
}

/** Segments 1 to 4. Every call that is awaited makes a frame. */
async function writeUncompressed(dir: string): Promise<void> {
  const options = { dir, codec: 'none', fsync: 'os', blockBytes: 1024, segmentBytes: 2048 } as const
  const { log: opened } = await openLog(options)
  await append(opened, [Record.put('', '')])
  await append(opened, [Record.put('user:1', 'Ada')], true)
  await append(opened, [Record.delete('user:1')])
  await append(opened, [Record.put('session:1', noise(200), { ttl: 60_000 })])
  await append(opened, [Record.put('a', '1'), Record.delete('b'), Record.put('c', '3', { ttl: 1 })])
  // Calls of one turn share a frame; only the second of these is a batch.
  await Promise.all([
    append(opened, [Record.put('x', '1')]),
    append(opened, [Record.put('y', '2'), Record.delete('z')])
  ])
  await append(opened, [rangeClear(Buffer.from('a'), Buffer.from('n'))])
  await append(opened, [rangeClear(Buffer.of(0xff), Buffer.alloc(0))])
  await append(opened, [Record.put('in an envelope', text(100), { codec: 'none' })])
  await append(opened, [sealedPut(Buffer.from('of a store'), sealed(text(50)))], true)
  // Larger than a block, and more than the segment has room for.
  await append(opened, [Record.put(noise(300), noise(1200))])
  await append(opened, [Record.put('a', 'second segment')])

  const snapshot = opened.snapshotWriter()
  await snapshot.begin(opened.nextSequence - 1)
  await snapshot.add(Record.put('a', noise(700, 1)))
  await snapshot.add(sealedPut(Buffer.from('b'), sealed(noise(700, 2))))
  await append(opened, [Record.put('meanwhile', 'between the frames of a snapshot')])
  await snapshot.add({ ...Record.put('c', noise(700, 3)), expiresAt: log.createdAt + 5000 })
  await snapshot.end()
  await append(opened, [Record.put('a', 'behind the snapshot')])
  await opened.close()
}

function sealed(value: Buffer): Buffer {
  const probe = { codecId: 1, effort: 0 }
  return sealRaw(value, { guard: NO_GUARD, mayOmitChecksum: false, expiresAt: log.createdAt + 1000, probe })
}

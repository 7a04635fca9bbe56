import { expect, test } from 'vitest'
import { Record, type WalOptions } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { noise, text } from '../support/sample-values.js'
import { turns } from '../support/turns.js'
import { fill, fingerprints, fingerprint, keys, numbered, openLog } from './open-log.js'

const MIB = 1024 * 1024

/** A log whose first segment is there, and how often it called since. */
async function counted(options: WalOptions) {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ codec: 'none', fsync: 'os', ...options, fs })
  await wal.append(Record.put('1', ''))
  const before = { ...fs.calls }
  const calls = (call: 'write' | 'writeSync' | 'sync') => (fs.calls[call] ?? 0) - (before[call] ?? 0)
  return { wal, fs, calls }
}

test('frames that wait together are written together', async () => {
  const { wal, calls } = await counted({ blockBytes: 1024 })
  await Promise.all(numbered(2, 101).map(key => wal.append(Record.put(key, noise(900)))))
  expect(wal.stats().frames).toBe(101)
  expect(calls('write')).toBeLessThanOrEqual(2)
  expect(await keys(wal.read())).toEqual(numbered(1, 101))
})

test('what waits while a write is under way goes into the next, in order', async () => {
  const { wal, fs, calls } = await counted({})
  const writing = fs.hold('write')
  const first = wal.append(Record.put('2', noise(300_000)))
  await writing.reached
  const rest = numbered(3, 50).map(key => wal.append(Record.put(key, noise(100))))
  await turns()
  const before = wal.stats().frames
  writing()
  await Promise.all([first, ...rest])
  expect(wal.stats().frames - before).toBe(2)
  expect(calls('writeSync')).toBeLessThanOrEqual(2)
  expect(await keys(wal.read())).toEqual(numbered(1, 50))
})

test('small frames are written on the calling thread, large ones off it', async () => {
  const { wal, calls } = await counted({})
  await wal.append(Record.put('2', noise(100_000)))
  expect([calls('write'), calls('writeSync')]).toEqual([1, 1])
  await wal.append(Record.put('3', noise(200_000)))
  expect(calls('write') - calls('writeSync')).toBe(1)
})

test.for(['none', 'lz4'] as const)(
  "frames of all sizes, some gathered and some written from where they lie, come back as they were (codec '%s')",
  async codec => {
    const { wal } = await counted({ blockBytes: 1024, codec })
    const sizes = [10, 16_000, 16_384, 20_000, 100, 130_000, 131_072, 1, 131_016, 131_017, 50, 60_000, 60_000, 300_000]
    const values = [Buffer.alloc(0), ...sizes.map(bytes => Buffer.concat([noise(bytes), Buffer.alloc(bytes)]))]
    await Promise.all(values.slice(1).map(value => wal.append(Record.put('k', value))))
    expect(await fingerprints(wal.read())).toEqual(values.map(fingerprint))
    for (const [i, value] of values.entries()) {
      expect(fingerprint((await wal.get(i + 1)).value)).toBe(fingerprint(value))
    }
  }
)

test('the disk is told to begin before much waits for it, though nobody asked for a sync', async () => {
  const { wal, calls } = await counted({})
  for (let i = 0; i < 31; i++) await wal.append(Record.put('k', noise(MIB / 4)))
  await turns()
  expect(calls('sync')).toBe(0)
  for (let i = 0; i < 3; i++) await wal.append(Record.put('k', noise(MIB / 4)))
  await turns()
  expect(calls('sync')).toBe(1)
})

/** Of the frames that records of text get which are appended together. */
async function bytesOf(codec: WalOptions['codec'], records: number, bytes: number): Promise<number> {
  const { wal } = await openLog({ codec, blockBytes: 4096 })
  await Promise.all(Array.from({ length: records }, (_, i) => wal.append(Record.put(`k${i}`, text(bytes)))))
  return wal.stats().bytes
}

test('a block that is written before it is full goes uncompressed by default; a codec that is named compresses every one', async () => {
  expect(await bytesOf(undefined, 1, 5000)).toBeGreaterThan(5000)
  expect(await bytesOf('lz4', 1, 5000)).toBeLessThan(1000)
  // Four records fill a block, and the fifth begins one of its own.
  expect(await bytesOf(undefined, 5, 1000)).toBeLessThan(2500)
  expect(await bytesOf(undefined, 4, 1000)).toBeGreaterThan(4000)
})

test('a write that fails is told to all whose records are in it, and takes no number', async () => {
  const { wal, fs } = await counted({})
  fs.fail('writeSync', { code: 'ENOSPC' })
  const outcomes = await Promise.allSettled([wal.append(Record.put('a', '')), wal.append(Record.put('b', ''))])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await fill(wal, 1)
  expect(await keys(wal.read())).toEqual(['1', '2'])
})

test('a write that fails and cannot be undone is the last one, and says so', async () => {
  const { wal, fs } = await counted({})
  fs.fail('writeSync', { code: 'EIO' })
  fs.fail('truncate', { code: 'EIO' })
  const error = {
    code: 'LEVEL_IO_ERROR',
    message: expect.stringContaining('failed and could not be undone; close the log and open it again'),
    cause: { code: 'EIO' }
  }
  for (const key of ['2', '3']) await expect(wal.append(Record.put(key, ''))).rejects.toMatchObject(error)
  await expect(wal.sync()).rejects.toMatchObject(error)
  expect(await keys(wal.read())).toEqual(['1'])
})

test('more than 256 MiB may not wait to be written', async () => {
  const { wal, fs } = await counted({})
  const writing = fs.hold('write')
  const value = Buffer.alloc(64 * MIB)
  const waiting = [wal.append(Record.put('2', value))]
  await writing.reached
  for (const key of ['3', '4']) waiting.push(wal.append(Record.put(key, value)))
  await expect(wal.append(Record.put('k', value))).rejects.toMatchObject({
    code: 'CKV_BUSY',
    message: expect.stringMatching(/^2013\d{5} bytes wait .* the limit is 268435456: await the appends before/)
  })
  waiting.push(wal.append(Record.put('5', '')))
  // A disk that takes none of it: what fails waits no more.
  const calm = fs.fail('write', { code: 'EIO', times: Infinity })
  writing()
  const outcomes = await Promise.allSettled(waiting)
  expect(outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'rejected'))
  calm()
  await Promise.all(numbered(2, 5).map(key => wal.append(Record.put(key, noise(100)))))
  expect(await keys(wal.read())).toEqual(numbered(1, 5))
})

import { expect, onTestFinished, test, vi } from 'vitest'
import { type Codec, Record, registerCodec } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { DIRECTORY, openLog } from './open-log.js'

const FIRST_ID = 180

function fail(): never {
  throw new Error('it cannot be restored')
}

/** Compresses at once and restores never. */
function unreadable(id: number, sync: boolean): Codec {
  const codec: Codec = {
    id,
    name: `unreadable ${id}`,
    compress: async data => data.subarray(0, 1),
    compressSync: data => data.subarray(0, 1),
    decompress: async () => fail(),
    ...(sync ? { decompressSync: fail } : {})
  }
  registerCodec(codec)
  return codec
}

test('a record that cannot be restored rejects, and lets go of its segment', async () => {
  const fs = new CrashableFileSystem()
  const { wal } = await openLog({ fs, blockBytes: 1024, segmentBytes: 1400, codec: 'none' })
  const codec = unreadable(FIRST_ID, true)
  await wal.appendBatch([Record.put('a', 'A'), Record.put('b', 'B'.repeat(300), { codec })])
  for (let i = 0; i < 3; i++) await wal.append(Record.put('filler', Buffer.alloc(1000, i)))
  const before = fs.openHandles
  const reader = wal.read()
  expect((await reader.next()).value!.record.key.toString()).toBe('a')
  await expect(reader.next()).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  expect(fs.openHandles).toBe(before)
  expect(await wal.deleteSegmentsBefore(wal.position)).toBeGreaterThan(0)
})

test('a restoration that fails when nobody waits for it any more is no unhandled rejection', async () => {
  const unhandled = vi.fn<() => void>()
  process.on('unhandledRejection', unhandled)
  onTestFinished(() => void process.off('unhandledRejection', unhandled))
  const { wal } = await openLog()
  const codec = unreadable(FIRST_ID + 1, false)
  await wal.appendBatch([Record.put('a', 'A'), Record.put('b', 'B'.repeat(300), { codec })])
  const reader = wal.read()
  await reader.next()
  const next = reader.next().catch(() => {})
  await reader.return!()
  await next
  await new Promise(resolve => setImmediate(resolve))
  expect(unhandled).not.toHaveBeenCalled()
})

test('a log that is closed while segments are deleted waits for that', async () => {
  const fs = new CrashableFileSystem()
  const { wal } = await openLog({ fs, blockBytes: 1024, segmentBytes: 1152, codec: 'none' })
  for (let i = 0; i < 5; i++) await wal.append(Record.put('k', Buffer.alloc(1000, i)))
  const deleting = wal.deleteSegmentsBefore(wal.position)
  await wal.close()
  const files = fs.paths().filter(path => path.startsWith(`${DIRECTORY}/0`)).length
  expect(files).toBe(5 - (await deleting))
  expect(files).toBe(1)
})

import { expect, test } from 'vitest'
import { Record, type WalEvent } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { noise } from '../support/sample-values.js'
import { rejectedCode } from '../support/thrown-code.js'
import { DIRECTORY, fill, keys, numbered, openLog, reopened } from './open-log.js'

const HEADER_BYTES = 80
const FRAME_BYTES = 48
const SEAL_FRAME_BYTES = FRAME_BYTES + 16

test('segmentBytes must hold one block and its headers', async () => {
  const blockBytes = 4096
  const least = HEADER_BYTES + FRAME_BYTES + blockBytes
  expect(await rejectedCode(openLog({ blockBytes, segmentBytes: least - 1 }))).toBe('CKV_INVALID_OPTION')
  const { wal, fs } = await openLog({ blockBytes, segmentBytes: least, codec: 'none' })
  await fill(wal, 3, blockBytes - 6) // A full block each: kind, flags, a varint of one byte and one of two, the key.
  expect((await fs.list(DIRECTORY)).filter(name => name.endsWith('.wal')).sort()).toEqual([
    '000001.wal',
    '000002.wal',
    '000003.wal'
  ])
})

test('a segment ends before it would grow larger than segmentBytes, but for its seal', async () => {
  const events: WalEvent[] = []
  const fs = new CrashableFileSystem()
  const segmentBytes = 10_000
  const options = {
    fs,
    segmentBytes,
    blockBytes: 1024,
    codec: 'none',
    onEvent: (e: WalEvent) => events.push(e)
  } as const
  const { wal } = await openLog(options)
  await Promise.all(numbered(1, 300).map(key => wal.append(Record.put(key, noise(150)))))
  await fill(wal, 100, 150)
  await wal.close()
  const files = fs.paths().filter(path => path.endsWith('.wal'))
  expect(files.length).toBeGreaterThan(5)
  expect(files[0]).toBe(`${DIRECTORY}/000001.wal`)
  const lengths = files.map(path => fs.file(path).length)
  expect(Math.max(...lengths)).toBeLessThanOrEqual(segmentBytes + SEAL_FRAME_BYTES)
  expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThan(segmentBytes - 2 * 1024)
  const rolls = events.filter(event => event.type === 'segmentRoll')
  expect(rolls).toEqual(files.map((path, i) => ({ type: 'segmentRoll', segment: i + 1, bytes: fs.file(path).length })))
  expect(wal.stats()).toMatchObject({ segments: files.length, segmentsRolled: files.length })
})

test('a record larger than a segment has one of its own', async () => {
  const { wal } = await openLog({ codec: 'none', blockBytes: 1024, segmentBytes: 4096 })
  const at = []
  for (const bytes of [10, 20_000, 10, 10]) at.push(await wal.append(Record.put('k', noise(bytes))))
  expect(at.map(({ segment }) => segment)).toEqual([1, 2, 3, 3])
})

test('a log that is opened again goes on in a new segment', async () => {
  let { wal, fs } = await openLog()
  for (let segment = 1; segment <= 3; segment++) {
    expect((await wal.append(Record.put(String(segment), ''))).segment).toBe(segment)
    ;({ wal, fs } = await reopened(wal, { fs }))
  }
  expect(await keys(wal.read())).toEqual(numbered(1, 3))
})

test('another segmentBytes, blockBytes or codec does not change what is there', async () => {
  let { wal, fs } = await openLog({ segmentBytes: 4096, blockBytes: 1024, codec: 'none' })
  await fill(wal, 10)
  ;({ wal, fs } = await reopened(wal, { fs, segmentBytes: 1_000_000, blockBytes: 65_536, codec: 'zstd' }))
  await fill(wal, 10)
  expect(wal.stats().segments).toBe(4 + 1)
  ;({ wal, fs } = await reopened(wal, { fs, segmentBytes: 2048, blockBytes: 1024 }))
  expect(await keys(wal.read())).toEqual(numbered(1, 20))
})

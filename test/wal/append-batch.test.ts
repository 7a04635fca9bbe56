import { expect, test } from 'vitest'
import { Record } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { noise, text } from '../support/sample-values.js'
import { afterPowerCut, collect, DIRECTORY, keys, numbered, openLog, reopened } from './open-log.js'

test('a batch lies in one frame, its positions one behind the other', async () => {
  const { wal } = await openLog({ blockBytes: 1024 })
  const filler = wal.append(Record.put('filler', noise(900)))
  const positions = await wal.appendBatch(numbered(1, 20).map(key => Record.put(key, noise(30))))
  await filler
  const { segment, offset, index: first } = positions[0]!
  expect(positions).toEqual(numbered(1, 20).map((_, i) => ({ segment, offset, index: first + i })))
  for (const [i, at] of positions.entries()) expect((await wal.get(at)).key.toString()).toBe(String(i + 1))
})

test('small batches and single records share a frame', async () => {
  const { wal } = await openLog()
  const [[a, b], c, [d, e]] = await Promise.all([
    wal.appendBatch([Record.put('a', ''), Record.put('b', '')]),
    wal.append(Record.put('c', '')),
    wal.appendBatch([Record.delete('d'), Record.put('e', '')])
  ])
  expect([a, b, c, d, e].map(at => at?.index)).toEqual([0, 1, 2, 3, 4])
  expect(new Set([a, b, c, d, e].map(at => at?.offset)).size).toBe(1)
  expect(wal.stats()).toMatchObject({ frames: 1, records: 5 })
})

test('an empty batch has no positions and writes nothing', async () => {
  const { wal } = await openLog()
  expect(await wal.appendBatch([])).toEqual([])
  expect(wal.nextSequence).toBe(1)
  expect(wal.stats()).toMatchObject({ records: 0, frames: 0, segments: 0 })
})

test('a batch may be larger than a block, and than a segment', async () => {
  const options = { codec: 'none', blockBytes: 1024, segmentBytes: 8192 } as const
  const { wal, fs } = await openLog(options)
  const positions = await wal.appendBatch(numbered(1, 100).map(key => Record.put(key, noise(500))))
  expect(new Set(positions.map(({ offset }) => offset)).size).toBe(1)
  await wal.append(Record.put('101', ''))
  const again = await reopened(wal, { ...options, fs })
  expect(await keys(again.wal.read())).toEqual(numbered(1, 101))
})

test('its records may be of every kind, with a codec, a ttl', async () => {
  const { wal } = await openLog()
  await wal.appendBatch([
    Record.put('a', text(300), { codec: 'zstd' }),
    Record.delete('b'),
    Record.put('c', 'v', { ttl: 60_000 })
  ])
  const records = (await collect(wal.read())).map(({ record }) => record)
  expect(records).toMatchObject([{ value: text(300) }, { tombstone: true }, { expiresAt: expect.any(Number) }])
})

test('the same array may be changed after the call', async () => {
  const { wal } = await openLog()
  const records = [Record.put('a', '1'), Record.put('b', '2')]
  const appended = wal.appendBatch(records)
  records.length = 0
  expect((await appended).map(({ index }) => index)).toEqual([0, 1])
})

/** A record, then a batch of 40. */
async function write(fs: CrashableFileSystem): Promise<void> {
  const { wal } = await openLog({ fs, fsync: 'always', codec: 'none', blockBytes: 1024 })
  await wal.append(Record.put('before', ''))
  await wal.appendBatch(numbered(1, 40).map(key => Record.put(key, noise(100))))
}

test('wherever the power is cut while a batch is written, all of it is there or nothing', async () => {
  const whole = new CrashableFileSystem()
  await write(whole)
  const found = new Set<number>()
  for (let step = 1; step <= whole.steps; step++) {
    for (const unsynced of ['all', 'none', 'some'] as const) {
      const fs = new CrashableFileSystem()
      fs.crashAt(step, { midway: unsynced === 'some' })
      await write(fs).catch(() => {})
      const left = fs.afterCrash({ unsynced, seed: step })
      if (left.paths().includes(`${DIRECTORY}/LOCK`)) await left.remove(`${DIRECTORY}/LOCK`)
      const { wal } = await openLog({ fs: left })
      const records = await keys(wal.read())
      expect([0, 1, 41]).toContain(records.length)
      found.add(records.length)
    }
  }
  expect(found.size).toBe(3)
  expect(await keys((await openLog({ fs: await afterPowerCut(whole) })).wal.read())).toHaveLength(41)
})

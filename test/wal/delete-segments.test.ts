import { expect, test } from 'vitest'
import { collectGarbage } from '../support/collect-garbage.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { turns } from '../support/turns.js'
import { afterPowerCut, DIRECTORY, fill, keys, numbered, openLog, reopened, TINY_SEGMENTS } from './open-log.js'

const before = (segment: number) => ({ segment, offset: 0, index: 0 })

test('segments before the one a position lies in go, and are counted', async () => {
  const { wal, fs } = await openLog(TINY_SEGMENTS)
  await fill(wal, 10)
  expect(await wal.deleteSegmentsBefore(before(0))).toBe(0)
  expect(await wal.deleteSegmentsBefore(before(1))).toBe(0)
  expect(await wal.deleteSegmentsBefore({ ...before(4), offset: 1_000_000 })).toBe(3)
  expect(await wal.deleteSegmentsBefore(before(4))).toBe(0)
  expect(await wal.deleteSegmentsBefore(before(6))).toBe(2)
  expect(await keys(wal.read())).toEqual(numbered(6, 10))
  expect([wal.firstSequence, wal.nextSequence]).toEqual([6, 11])
  const files = (await fs.list(DIRECTORY)).filter(name => name.endsWith('.wal')).sort()
  expect(files).toEqual(['000006.wal', '000007.wal', '000008.wal', '000009.wal', '000010.wal'])
  expect(wal.stats()).toMatchObject({ segments: 5, segmentsDeleted: 5 })
})

test('what is no position is refused, a sequence number too', async () => {
  const { wal } = await openLog()
  for (const place of [1, undefined, { segment: 1 }]) {
    await expect(wal.deleteSegmentsBefore(place as never)).rejects.toMatchObject({
      code: 'CKV_INVALID_OPTION',
      message: 'deleteSegmentsBefore() takes a position, as append() and read() give it'
    })
  }
})

test('the last segment stays, and with it the numbers', async () => {
  let { wal, fs } = await openLog(TINY_SEGMENTS)
  await fill(wal, 4)
  expect(await wal.deleteSegmentsBefore(before(1000))).toBe(3)
  ;({ wal, fs } = await reopened(wal, { ...TINY_SEGMENTS, fs }))
  expect(await wal.deleteSegmentsBefore(wal.position)).toBe(0)
  expect([wal.nextSequence, wal.position.segment]).toEqual([5, 5])
  await fill(wal, 2)
  expect(await wal.deleteSegmentsBefore(wal.position)).toBe(2)
  ;({ wal, fs } = await reopened(wal, { ...TINY_SEGMENTS, fs }))
  expect(wal.nextSequence).toBe(7)
  expect(await keys(wal.read())).toEqual(['6'])
})

test('a reader that was dropped before its end holds its segment only until it is collected as garbage', async () => {
  const { wal } = await openLog(TINY_SEGMENTS)
  await fill(wal, 4)
  const first = async () => (await wal.read()[Symbol.asyncIterator]().next()).value?.record.sequence
  expect(await first()).toBe(1)
  let deleted = 0
  for (let tries = 0; deleted === 0 && tries < 100; tries++) {
    collectGarbage()
    await turns(2)
    deleted = await wal.deleteSegmentsBefore(before(4))
  }
  expect(deleted).toBe(3)
})

test('an empty log has none to delete', async () => {
  const { wal } = await openLog()
  expect(await wal.deleteSegmentsBefore(wal.position)).toBe(0)
  expect([wal.firstSequence, wal.nextSequence]).toEqual([1, 1])
})

test('after a directory could not be synced no other segment goes before it is, so that a power cut brings none back alone', async () => {
  for (let failing = 0; failing < 3; failing++) {
    for (let step = 1; step < 9; step++) {
      const disk = new CrashableFileSystem()
      const fs = new FaultyFileSystem(disk)
      const { wal } = await openLog({ ...TINY_SEGMENTS, fsync: 'always', fs })
      await fill(wal, 6)
      fs.fail('syncDirectory', { code: 'EIO', after: failing })
      await expect(wal.deleteSegmentsBefore(before(4))).rejects.toMatchObject({ code: 'EIO' })
      disk.crashAt(disk.steps + step)
      await wal.deleteSegmentsBefore(before(6)).catch(() => {})
      for (let seed = 0; seed < 40; seed++) {
        const left = disk.afterCrash({ unsynced: 'some', seed })
        await left.remove(`${DIRECTORY}/LOCK`)
        const opened = await openLog({ fs: left })
        expect((await keys(opened.wal.read())).at(-1)).toBe('6')
      }
    }
  }
})

test('a segment that is being read waits, and those behind it', async () => {
  const { wal } = await openLog(TINY_SEGMENTS)
  await fill(wal, 6)
  const reader = wal.read({ from: 3 })
  await reader.next()
  expect(await wal.deleteSegmentsBefore(before(6))).toBe(2)
  expect((await wal.get(3)).sequence).toBe(3)
  const rest: number[] = []
  for await (const { record } of reader) rest.push(record.sequence)
  expect(rest).toEqual([4, 5, 6])
  expect(await wal.deleteSegmentsBefore(before(6))).toBe(3)
})

test('a follower holds the segment it is in while it waits', async () => {
  const { wal } = await openLog(TINY_SEGMENTS)
  await fill(wal, 3)
  const reader = wal.read({ follow: true })
  for (let i = 0; i < 3; i++) await reader.next()
  const waiting = reader.next()
  await turns()
  expect(await wal.deleteSegmentsBefore(wal.position)).toBe(2)
  await fill(wal, 1)
  expect((await waiting).value?.record.sequence).toBe(4)
  await reader.return!()
})

test('a reader on its way from one segment to the next misses none', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ ...TINY_SEGMENTS, fs })
  await fill(wal, 5)
  const reader = wal.read()
  await reader.next()
  const closing = fs.hold('close')
  const next = reader.next()
  await closing.reached // It has read segment 1 to its end.
  await wal.deleteSegmentsBefore(before(4))
  closing()
  const read = await next.then(
    ({ value }) => value?.record.sequence ?? 'the end',
    (error: { code?: string }) => error.code
  )
  // To end as if there were no more records would be to lose them.
  expect([2, 'CKV_OUT_OF_RANGE']).toContain(read)
})

test('a deletion is not undone by a power cut', async () => {
  const { wal, fs } = await openLog({ ...TINY_SEGMENTS, fsync: 'always' })
  await fill(wal, 5)
  await wal.deleteSegmentsBefore(before(4))
  const again = await openLog({ ...TINY_SEGMENTS, fs: await afterPowerCut(fs) })
  expect(await keys(again.wal.read())).toEqual(numbered(4, 5))
  expect(again.wal.nextSequence).toBe(6)
})

test('a file that cannot be removed is told, and the log goes on', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ ...TINY_SEGMENTS, fs })
  await fill(wal, 5)
  fs.fail('remove', { code: 'EACCES', path: /000002/ })
  await expect(wal.deleteSegmentsBefore(before(4))).rejects.toMatchObject({ code: 'EACCES' })
  expect(await keys(wal.read())).toEqual(numbered(2, 5))
  expect(wal.stats().segments).toBe(4)
  expect(await wal.deleteSegmentsBefore(before(4))).toBe(2)
  expect(wal.stats()).toMatchObject({ segments: 2, segmentsDeleted: 3 })
})

test('a file that somebody else removed is as good as deleted', async () => {
  const { wal, fs } = await openLog(TINY_SEGMENTS)
  await fill(wal, 4)
  await fs.remove(`${DIRECTORY}/000001.wal`)
  expect(await wal.deleteSegmentsBefore(before(4))).toBe(3)
  expect(await keys(wal.read())).toEqual(['4'])
})

test('two calls at once delete each segment once, and both know when it is done', async () => {
  const { wal, fs } = await openLog(TINY_SEGMENTS)
  await fill(wal, 6)
  const counts = await Promise.all([wal.deleteSegmentsBefore(before(5)), wal.deleteSegmentsBefore(before(5))])
  expect(Math.max(...counts)).toBeLessThanOrEqual(4)
  expect((await fs.list(DIRECTORY)).filter(name => name.endsWith('.wal'))).toHaveLength(2)
  expect(await keys(wal.read())).toEqual(numbered(5, 6))
  expect(wal.stats()).toMatchObject({ segments: 2, segmentsDeleted: 4 })
})

test.for([1, 2])('wherever the power is cut while segments are deleted, the log opens (%i calls)', async calls => {
  const work = async (fs: CrashableFileSystem) => {
    const { wal } = await openLog({ ...TINY_SEGMENTS, fs, fsync: 'always' })
    await fill(wal, 6)
    const deleting = Array.from({ length: calls }, () => wal.deleteSegmentsBefore(before(6)))
    const steps = fs.steps
    await Promise.allSettled(deleting)
    return steps + 1
  }
  const whole = new CrashableFileSystem()
  const from = await work(whole)
  const refused: string[] = []
  for (let step = from; step <= whole.steps + 1; step++) {
    const fs = new CrashableFileSystem()
    fs.crashAt(step)
    await work(fs).catch(() => {})
    for (let seed = 0; seed < 20; seed++) {
      const left = fs.afterCrash({ unsynced: 'some', seed })
      if (left.paths().includes(`${DIRECTORY}/LOCK`)) await left.remove(`${DIRECTORY}/LOCK`)
      const found = await openLog({ fs: left }).then(
        ({ wal }) => keys(wal.read()),
        (error: Error) => [error.message]
      )
      const suffix = numbered(Number(found[0]), 6)
      if (found.join(' ') !== suffix.join(' ')) refused.push(`step ${step}, seed ${seed}: ${found.join(' ')}`)
    }
  }
  expect(refused).toEqual([])
})

test('one that fails beside another leaves no hole', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ ...TINY_SEGMENTS, fs })
  await fill(wal, 6)
  fs.fail('remove', { code: 'EACCES', path: /000001/ })
  await Promise.allSettled([wal.deleteSegmentsBefore(before(5)), wal.deleteSegmentsBefore(before(5))])
  const first = Number((await keys(wal.read()))[0])
  expect(await keys(wal.read())).toEqual(numbered(first, 6))
  await wal.close()
  expect(await keys((await openLog({ fs })).wal.read())).toEqual(numbered(first, 6))
})

import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { FRAME_HEADER_CRC_AT, SEGMENT_HEADER_BYTES } from '../../src/wal/format/format.js'
import { decodeSegmentHeader, encodeSegmentHeader, type SegmentEnd } from '../../src/wal/format/segment-header.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { afterPowerCut, contents, DIRECTORY, fill, keys, numbered, openLog } from './open-log.js'

const segment = (id: number) => `${DIRECTORY}/00000${id}.wal`

/** A log of three records in a segment, closed; and what ends it. */
async function closedLog() {
  const fs = new CrashableFileSystem()
  const { wal } = await openLog({ fs, codec: 'none' })
  await fill(wal, 3)
  const { offset } = wal.position
  await wal.close()
  const bytes = fs.file(segment(1))
  const end: SegmentEnd = {
    lastSequence: 3,
    length: bytes.length,
    crc: bytes.readUInt32LE(offset + FRAME_HEADER_CRC_AT)
  }
  return { fs, bytes, end }
}

/** The same log with a second segment, which names another end of the first. */
async function openWithSecond(other: Partial<SegmentEnd>) {
  const { fs, bytes, end } = await closedLog()
  const header = { storeId: decodeSegmentHeader(bytes, 1)!.storeId, id: 2, firstSequence: 4, createdAt: 0 }
  fs.put(segment(2), encodeSegmentHeader({ ...header, previous: { ...end, ...other } }))
  return openLog({ fs })
}

describe('a segment follows the one before it', () => {
  test('if it names its last number, its length and its checksum', async () => {
    const { wal, recovery } = await openWithSecond({})
    expect(recovery).toEqual({ records: 3, segments: 2, bytesTruncated: 0, corruption: [] })
    expect(await keys(wal.read())).toEqual(numbered(1, 3))
  })

  test.for<Partial<SegmentEnd>>([{ lastSequence: 2 }, { length: 1000 }, { crc: 1 }])(
    'else it is refused: %o',
    async other => {
      await expect(openWithSecond(other)).rejects.toMatchObject({
        code: 'LEVEL_CORRUPTION',
        message: expect.stringMatching(/segment 2 .* does not follow from the segment before it\. Restore/)
      })
    }
  )
})

test('a refusal says where, what, why, and what can be done', async () => {
  const { fs, bytes } = await closedLog()
  bytes[SEGMENT_HEADER_BYTES + 500]! ^= 1
  fs.put(segment(1), bytes)
  await expect(openLog({ fs })).rejects.toThrow(
    `segment 1 of the log in ${DIRECTORY}: it is damaged before a place that was on stable storage ` +
      "(its checksum fails). Restore the directory from a backup, or read what can be read with recovery: 'salvage' or `ckv wal --salvage`"
  )
})

test("what 'strict' alone refuses is said to be what 'tail' cuts off", async () => {
  const { fs, bytes } = await closedLog()
  fs.put(segment(1), Buffer.concat([bytes, Buffer.from('torn')]))
  await expect(openLog({ fs, recovery: 'strict' })).rejects.toThrow(
    `segment 1 of the log in ${DIRECTORY}: its end is torn, or was never on stable storage (shorter than the header of a frame). ` +
      "A crash leaves that: open it once with recovery: 'tail', which cuts it off and keeps it in a file"
  )
  const { recovery } = await openLog({ fs, recovery: 'tail' })
  expect(recovery).toMatchObject({ records: 3, bytesTruncated: 4 })
})

describe('opening clears away what an opening before it left unfinished', () => {
  const draft = `${segment(1)}.new`

  test('a draft of the last segment', async () => {
    const { fs } = await closedLog()
    const before = contents(fs)
    fs.put(draft, Buffer.from('half a copy'))
    const { wal } = await openLog({ fs })
    await wal.close()
    expect(contents(fs)).toEqual(before)
  })

  test('but leaves it to the next writer when it only reads', async () => {
    const { fs } = await closedLog()
    fs.put(draft, Buffer.from('half a copy'))
    const before = contents(fs)
    const { wal } = await openLog({ fs, readOnly: true })
    await wal.close()
    expect(contents(fs)).toEqual(before)
  })

  test('and says so if it cannot', async () => {
    const { fs } = await closedLog()
    fs.put(draft, Buffer.from('half a copy'))
    const faulty = new FaultyFileSystem(fs)
    faulty.fail('remove', { code: 'EACCES', path: /\.new$/ })
    await expect(openLog({ fs: faulty })).rejects.toMatchObject({ code: 'EACCES' })
  })
})

test('what is cut off is kept beside what was cut off before, whatever the clock says', async () => {
  const { wal, fs } = await openLog({ fsync: 'always' })
  await fill(wal, 2)
  const left = await afterPowerCut(fs)
  const taken = new Set<string>()
  const now = Date.now()
  vi.useFakeTimers({ toFake: ['Date'], now })
  onTestFinished(() => void vi.useRealTimers())
  // The name of this moment is taken, and so are those around it.
  for (let time = now - 5; time < now + 1000; time++) taken.add(`${DIRECTORY}/000001.torn-${time}`)
  for (const path of taken) left.put(path, Buffer.from('before'))
  left.put(segment(1), Buffer.concat([left.file(segment(1)), Buffer.from('torn')]))
  const { recovery } = await openLog({ fs: left })
  expect(recovery.bytesTruncated).toBe(4)
  const kept = left.paths().filter(path => path.includes('torn'))
  expect(kept).toHaveLength(taken.size + 1)
  const added = kept.filter(path => !taken.has(path))
  expect(left.file(added[0]!).toString()).toBe('torn')
  for (const path of taken) expect(left.file(path).toString()).toBe('before')
})

import { describe, expect, test } from 'vitest'
import { Record } from '../../../src/wal/format/record.js'
import { ALLOCATION_BYTES } from '../../../src/wal/segments/allocation.js'
import { CrashableFileSystem } from '../../support/crashable-file-system.js'
import { FaultyFileSystem } from '../../support/faulty-file-system.js'
import { killed, powerCut } from '../../support/logged-store.js'
import { diskWith, filesOf, openLog } from './log-disk.js'
import { keysOf, ToldAppends } from './told-appends.js'

/** More small synced appends than a segment has to have before room is made ahead of them. */
const MANY = 80
const OPTIONS = { fsync: 'always', codec: 'none' } as const

/** A log that was synced so often that its segment has room ahead. */
async function logWithRoom(fs: FaultyFileSystem | CrashableFileSystem, options: { segmentBytes?: number } = {}) {
  const { wal } = await openLog(fs, { ...OPTIONS, ...options })
  const told = new ToldAppends()
  for (let i = 0; i < MANY; i++) await told.append(wal)
  expect(told.rejected).toEqual([])
  return { wal, told }
}

function segmentOf(fs: CrashableFileSystem, id = 1): Buffer {
  return filesOf(fs)[`00000${id}.wal`]!
}

describe('room ahead', () => {
  test('is made in a segment that is synced often and little at a time, and given back when it is sealed', async () => {
    const fs = new CrashableFileSystem()
    const { wal, told } = await logWithRoom(fs)
    expect(segmentOf(fs).length).toBe(ALLOCATION_BYTES)
    const { offset } = wal.position
    expect(
      segmentOf(fs)
        .subarray(offset)
        .every(byte => byte === 0)
    ).toBe(true)
    expect(await keysOf(wal)).toEqual(told.acknowledged)
    await wal.close()
    expect(segmentOf(fs).length).toBeLessThan(offset + 100)
    const { wal: again, recovery } = await openLog(fs)
    expect(recovery).toMatchObject({ records: MANY, bytesTruncated: 0, corruption: [] })
    await again.close()
  })

  test('is made again where a frame comes to its end', async () => {
    const fs = new CrashableFileSystem()
    const { wal, told } = await logWithRoom(fs)
    for (let i = 0; i < 30; i++) await told.append(wal, { bytes: 10_000 })
    expect(wal.position.offset).toBeGreaterThan(ALLOCATION_BYTES)
    expect(segmentOf(fs).length).toBe(2 * ALLOCATION_BYTES)
    const { wal: again } = await openLog(killed(fs))
    expect(await keysOf(again)).toEqual(told.acknowledged)
  })

  test.each([
    ['that nobody waits for on stable storage', { fsync: 'os', codec: 'none' } as const, 40],
    ['that are large', OPTIONS, 20_000]
  ])('is not made for writes %s', async (_, options, bytes) => {
    const fs = new CrashableFileSystem()
    const { wal } = await openLog(fs, options)
    for (let i = 0; i < MANY; i++) await wal.append(Record.put('k', Buffer.alloc(bytes, 'v')))
    expect(segmentOf(fs).length).toBe(wal.position.offset)
    await wal.close()
  })

  test.each(['tail', 'strict', 'salvage'] as const)(
    "of a process that was killed is no damage, with recovery: '%s'",
    async recoveryMode => {
      const fs = new CrashableFileSystem()
      const { told } = await logWithRoom(fs)
      const disk = killed(fs)
      const { wal, recovery } = await openLog(disk, { recovery: recoveryMode })
      expect(recovery).toEqual({ records: MANY, segments: 1, bytesTruncated: 0, corruption: [] })
      expect(await keysOf(wal)).toEqual(told.acknowledged)
      expect(Object.keys(filesOf(disk)).filter(name => name.includes('.torn'))).toEqual([])
      await wal.close()
    }
  )

  test('is no damage to a reader of a log that is being written', async () => {
    const fs = new CrashableFileSystem()
    const { told } = await logWithRoom(fs)
    const { wal: reader, recovery } = await openLog(fs, { readOnly: true })
    expect(recovery.corruption).toEqual([])
    expect(await keysOf(reader)).toEqual(told.acknowledged)
  })

  test('does not hide a frame that is torn in it, nor one behind it', async () => {
    const fs = new CrashableFileSystem()
    const { wal, told } = await logWithRoom(fs)
    const whole = segmentOf(fs)
    const end = wal.position.offset
    for (const [at, byte] of [
      [end, 1],
      [end + 100, 0xff],
      [ALLOCATION_BYTES - 1, 1]
    ] as const) {
      const torn = Buffer.from(whole)
      torn[at] = byte
      const { wal: again, recovery } = await openLog(diskWith({ '000001.wal': torn }))
      expect(recovery.bytesTruncated, `a byte at ${at}`).toBe(ALLOCATION_BYTES - end)
      expect(await keysOf(again), `a byte at ${at}`).toEqual(told.acknowledged)
      await again.close()
    }
    // Zeros where frames were, and a later one that vouches for them.
    const gap = Buffer.from(whole).fill(0, end - 500, end - 300)
    await expect(openLog(diskWith({ '000001.wal': gap }))).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
  })

  test('is undone by no write that fails in it', async () => {
    const memory = new CrashableFileSystem()
    const fs = new FaultyFileSystem(memory)
    const { wal, told } = await logWithRoom(fs)
    fs.fail('writeSync', { code: 'EIO' })
    expect(await told.append(wal)).toMatchObject({ code: 'EIO' })
    for (let i = 0; i < 3; i++) expect(await told.append(wal)).toBeUndefined()
    for (const disk of [killed(memory), powerCut(memory, 'none')]) {
      const { wal: again } = await openLog(disk)
      expect(await keysOf(again)).toEqual(told.acknowledged)
      await again.close()
    }
    await wal.close()
    expect((await openLog(memory)).recovery.corruption).toEqual([])
  })

  test('that the disk has not is done without', async () => {
    const memory = new CrashableFileSystem()
    const fs = new FaultyFileSystem(memory)
    fs.capacity(ALLOCATION_BYTES / 2)
    const { wal, told } = await logWithRoom(fs)
    expect(segmentOf(memory).length).toBe(wal.position.offset)
    expect(await keysOf(wal)).toEqual(told.acknowledged)
    const { recovery } = await openLog(killed(memory))
    expect(recovery).toMatchObject({ records: MANY, bytesTruncated: 0 })
    await wal.close()
    expect((await openLog(memory)).recovery).toMatchObject({ records: MANY, bytesTruncated: 0 })
  })

  test('that cannot be given back keeps a segment from being sealed, and nothing is lost', async () => {
    const memory = new CrashableFileSystem()
    const fs = new FaultyFileSystem(memory)
    const { wal, told } = await logWithRoom(fs)
    fs.fail('truncate', { code: 'EIO', times: 5 })
    await expect(wal.close()).rejects.toMatchObject({ code: 'EIO' })
    const { wal: again, recovery } = await openLog(memory)
    expect(recovery.corruption).toEqual([])
    expect(await keysOf(again)).toEqual(told.acknowledged)
    await again.close()
  })
})

/** Appends before the crash: the 64th makes room, a later one goes into the next segment. */
const BEFORE = 62
const AFTER = 14
const SEGMENT_BYTES = 7000

test.each(['all', 'none', 'some'] as const)(
  'a power cut while room is made, filled, left and given back takes nothing that was promised (unsynced: %s)',
  async unsynced => {
    let roomSeen = false
    for (let step = 1; ; step++) {
      const fs = new CrashableFileSystem()
      const { wal } = await openLog(fs, { ...OPTIONS, segmentBytes: SEGMENT_BYTES })
      const told = new ToldAppends()
      for (let i = 0; i < BEFORE; i++) await told.append(wal)
      const at = fs.steps + step
      fs.crashAt(at, { midway: step % 2 === 0 })
      for (let i = 0; i < AFTER; i++) await told.append(wal)
      roomSeen ||= segmentOf(fs).length === ALLOCATION_BYTES
      await wal.close().catch(() => {})
      const disk = powerCut(fs, unsynced, step)
      const { wal: again } = await openLog(disk).catch((error: unknown) => {
        throw new Error(`step ${step}`, { cause: error })
      })
      const keys = await keysOf(again)
      expect(keys.slice(0, told.acknowledged.length), `step ${step}`).toEqual(told.acknowledged)
      await again.append(Record.put('later', 'later'))
      await again.close()
      const { wal: last } = await openLog(disk)
      expect(await keysOf(last), `step ${step}`).toEqual([...keys, 'later'])
      await last.close()
      if (fs.steps < at) break
    }
    expect(roomSeen).toBe(true)
    expect(segmentOf(await closedLog(), 2).length).toBeLessThan(SEGMENT_BYTES)
  }
)

async function closedLog(): Promise<CrashableFileSystem> {
  const fs = new CrashableFileSystem()
  const { wal } = await openLog(fs, { ...OPTIONS, segmentBytes: SEGMENT_BYTES })
  const told = new ToldAppends()
  for (let i = 0; i < BEFORE + AFTER; i++) await told.append(wal)
  await wal.close()
  return fs
}

import { describe, expect, test, vi } from 'vitest'
import { Record } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { noise } from '../support/sample-values.js'
import { rejectedCode } from '../support/thrown-code.js'
import { contents, DIRECTORY, fill, keys, numbered, openLog, TINY_SEGMENTS } from './open-log.js'

const segment = (id: number) => `${DIRECTORY}/00000${id}.wal`

/** A log of five segments, a record each, closed. */
async function fiveSegments(): Promise<CrashableFileSystem> {
  const { wal, fs } = await openLog(TINY_SEGMENTS)
  await fill(wal, 5)
  await wal.close()
  return fs as CrashableFileSystem
}

/** A log of one segment with ten frames of a record each, closed; and where the frames begin. */
async function tenFrames() {
  const { wal, fs } = await openLog({ codec: 'none' })
  const offsets: number[] = []
  for (const key of numbered(1, 10)) offsets.push((await wal.append(Record.put(key, noise(500)))).offset)
  await wal.close()
  return { fs: fs as CrashableFileSystem, offsets }
}

function damage(fs: CrashableFileSystem, path: string, from: number, to = from + 1): void {
  const bytes = fs.file(path)
  for (let i = from; i < to; i++) bytes[i]! ^= 0xff
  fs.put(path, bytes)
}

const salvage = (fs: CrashableFileSystem) => openLog({ fs, recovery: 'salvage' })

test('a log that is whole is read whole', async () => {
  const fs = await fiveSegments()
  const { wal, recovery } = await salvage(fs)
  expect(recovery).toEqual({ records: 5, segments: 5, bytesTruncated: 0, corruption: [] })
  expect(await keys(wal.read())).toEqual(numbered(1, 5))
  expect(wal.nextSequence).toBe(6)
})

test('an empty directory is an empty log', async () => {
  const fs = new CrashableFileSystem()
  await fs.makeDirectory(DIRECTORY)
  const { wal, recovery } = await salvage(fs)
  expect(recovery).toEqual({ records: 0, segments: 0, bytesTruncated: 0, corruption: [] })
  expect([wal.nextSequence, await keys(wal.read())]).toEqual([1, []])
})

test('a read that fails is no damage to be skipped', async () => {
  const disk = await fiveSegments()
  let failures = 0
  for (let after = 0; ; after++) {
    const fs = new FaultyFileSystem(disk)
    fs.fail('read', { code: 'EIO', after })
    const code = await openLog({ fs, recovery: 'salvage' }).then(
      () => 'opened',
      (error: { code?: string }) => error.code
    )
    if (code === 'opened') break
    expect(code).toBe('EIO')
    failures++
  }
  expect(failures).toBeGreaterThanOrEqual(10)
})

test('a damaged frame is skipped and reported, those before and behind it are read', async () => {
  const { fs, offsets } = await tenFrames()
  damage(fs, segment(1), offsets[3]! + 100)
  expect(await rejectedCode(openLog({ fs }))).toBe('LEVEL_CORRUPTION')
  const { wal, recovery } = await salvage(fs)
  expect(recovery).toMatchObject({ records: 9, segments: 1, bytesTruncated: 0 })
  expect(recovery.corruption).toEqual([{ segment: 1, from: offsets[3], to: offsets[4], why: expect.any(String) }])
  expect(await keys(wal.read())).toEqual([...numbered(1, 3), ...numbered(5, 10)])
})

test('of many damaged frames each costs a little reading, not megabytes', async () => {
  const { wal, fs } = await openLog({ codec: 'none' })
  const offsets: number[] = []
  for (const key of numbered(1, 300)) offsets.push((await wal.append(Record.put(key, noise(500)))).offset)
  await wal.close()
  const disk = fs as CrashableFileSystem
  for (let i = 1; i < offsets.length; i += 2) damage(disk, segment(1), offsets[i]! + 100)
  let bytesRead = 0
  const open = disk.open.bind(disk)
  vi.spyOn(disk, 'open').mockImplementation(async (path, mode) => {
    const file = await open(path, mode)
    const read = file.read.bind(file)
    return Object.assign(file, {
      read: async (into: Uint8Array, position: number) => {
        const count = await read(into, position)
        bytesRead += count
        return count
      }
    })
  })
  const { wal: left, recovery } = await salvage(disk)
  expect(recovery.records).toBe(150)
  expect(await keys(left.read())).toEqual(numbered(1, 300).filter((_, i) => i % 2 === 0))
  expect(bytesRead).toBeLessThan(10 * disk.file(segment(1)).length)
})

test('every frame that is left is found by number and position, and read from there', async () => {
  const { fs, offsets } = await tenFrames()
  damage(fs, segment(1), offsets[3]! + 100)
  damage(fs, segment(1), offsets[7]! + 10)
  const { wal } = await salvage(fs)
  for (const sequence of [1, 2, 3, 5, 6, 7, 9, 10]) {
    const at = { segment: 1, offset: offsets[sequence - 1]!, index: 0 }
    expect((await wal.get(at)).sequence).toBe(sequence)
    expect((await wal.get(sequence)).sequence).toBe(sequence)
    const rest = [sequence, ...[2, 3, 5, 6, 7, 9, 10].filter(later => later > sequence)].map(String)
    expect(await keys(wal.read({ from: sequence }))).toEqual(rest)
    expect(await keys(wal.read({ from: at }))).toEqual(rest)
  }
})

test('what is left of an old segment is found also when its index was dropped', async () => {
  const options = { codec: 'none', blockBytes: 1024, segmentBytes: 6000 } as const
  const { wal, fs } = await openLog(options)
  const offsets: number[] = []
  for (const key of numbered(1, 10)) offsets.push((await wal.append(Record.put(key, noise(500)))).offset)
  for (let i = 0; i < 20; i++) await wal.append(Record.put('large', noise(6000)))
  await wal.close()
  damage(fs as CrashableFileSystem, segment(1), offsets[3]! + 100)
  damage(fs as CrashableFileSystem, segment(1), offsets[7]! + 10)
  const { wal: left } = await salvage(fs as CrashableFileSystem)
  const rest = ['5', '6', '7', '9', '10', ...Array.from({ length: 20 }, () => 'large')]
  for (const sequence of [1, 2, 3, 5, 6, 7, 9, 10]) {
    expect((await left.get(sequence)).key.toString()).toBe(String(sequence))
  }
  expect(await keys(left.read({ from: 5 }))).toEqual(rest)
  for (const sequence of [4, 8]) expect(await rejectedCode(left.get(sequence))).toBe('CKV_OUT_OF_RANGE')
})

test('a frame is found whose header lies over the end of what is searched at once', async () => {
  const { wal } = await openLog({ codec: 'none' })
  const size = 1024 * 1024
  const [first, second] = [await wal.append(Record.put('1', noise(size))), await wal.append(Record.put('2', ''))]
  await wal.close()
  const around = second.offset - first.offset - size
  // Pieces of 1 MiB are searched, from one byte behind the damage on.
  for (const inFirst of [1, 4, 20, 55]) {
    const log = await openLog({ codec: 'none' })
    await log.wal.append(Record.put('1', noise(size + 1 - around - inFirst)))
    const { offset } = await log.wal.append(Record.put('2', ''))
    expect(offset).toBe(first.offset + 1 + size - inFirst)
    await log.wal.close()
    damage(log.fs as CrashableFileSystem, segment(1), first.offset + 100)
    const { recovery } = await salvage(log.fs as CrashableFileSystem)
    expect(recovery.corruption).toMatchObject([{ from: first.offset, to: offset }])
    expect(recovery.records).toBe(1)
  }
})

test('a record that was skipped is out of range', async () => {
  const { fs, offsets } = await tenFrames()
  damage(fs, segment(1), offsets[3]! + 100)
  const { wal } = await salvage(fs)
  expect(await rejectedCode(wal.get(4))).toBe('CKV_OUT_OF_RANGE')
  expect(await rejectedCode(wal.get({ segment: 1, offset: offsets[3]!, index: 0 }))).toBe('CKV_OUT_OF_RANGE')
})

describe('what lies behind a segment that has nothing left is read', () => {
  test.for<{ name: string; harm: (fs: CrashableFileSystem) => unknown }>([
    { name: 'all damaged', harm: fs => damage(fs, segment(2), 0, fs.file(segment(2)).length) },
    { name: 'its only frame damaged', harm: fs => damage(fs, segment(2), 200) },
    { name: 'empty', harm: fs => fs.put(segment(2), Buffer.alloc(0)) },
    { name: 'gone', harm: fs => fs.remove(segment(2)) }
  ])('$name', async ({ harm }) => {
    const fs = await fiveSegments()
    await harm(fs)
    expect(await rejectedCode(openLog({ fs }))).toBe('LEVEL_CORRUPTION')
    const { wal, recovery } = await salvage(fs)
    expect(recovery.records).toBe(4)
    for (const sequence of [1, 3, 4, 5]) {
      expect((await wal.get(sequence)).sequence).toBe(sequence)
      expect((await wal.get({ segment: sequence, offset: 80, index: 0 })).sequence).toBe(sequence)
    }
    expect(await rejectedCode(wal.get(2))).toBe('CKV_OUT_OF_RANGE')
    expect(await keys(wal.read())).toEqual(['1', '3', '4', '5'])
  })
})

describe('what is gone without a trace is reported', () => {
  test('a segment', async () => {
    const fs = await fiveSegments()
    await fs.remove(segment(2))
    const { recovery } = await salvage(fs)
    expect(recovery).toMatchObject({
      records: 4,
      corruption: [{ segment: 2, from: 0, to: 0, why: 'the segment is missing' }]
    })
  })

  test('several segments, the first of all may have been deleted on purpose', async () => {
    const fs = await fiveSegments()
    for (const id of [1, 3, 4]) await fs.remove(segment(id))
    const { recovery } = await salvage(fs)
    expect(recovery).toMatchObject({
      records: 2,
      corruption: [{ segment: 3, from: 0, to: 0, why: 'the segments up to 4 are missing' }]
    })
  })

  test('the end of a segment behind a frame', async () => {
    const { fs, offsets } = await tenFrames()
    const { wal } = await openLog({ fs, codec: 'none' })
    await wal.append(Record.put('11', noise(500)))
    await wal.close()
    const whole = fs.file(segment(1))
    fs.put(segment(1), whole.subarray(0, offsets[6]))
    expect(await rejectedCode(openLog({ fs }))).toBe('LEVEL_CORRUPTION')
    const { wal: left, recovery } = await salvage(fs)
    const why = 'the end of the segment is missing'
    expect(recovery.corruption).toEqual([{ segment: 1, from: offsets[6], to: whole.length, why }])
    expect(await keys(left.read())).toEqual([...numbered(1, 6), '11'])
  })
})

test('a segment whose header is damaged keeps its frames', async () => {
  const fs = await fiveSegments()
  damage(fs, segment(1), 20)
  const { wal, recovery } = await salvage(fs)
  expect(recovery.records).toBe(5)
  expect(recovery.corruption).toEqual([{ segment: 1, from: 0, to: 80, why: 'the header of the segment is damaged' }])
  expect(await keys(wal.read())).toEqual(numbered(1, 5))
})

test('it changes nothing, takes no lock, and lets nothing be written', async () => {
  const { fs, offsets } = await tenFrames()
  damage(fs, segment(1), offsets[3]! + 100)
  const [before, steps] = [contents(fs), fs.steps]
  const { wal } = await salvage(fs)
  await salvage(fs)
  expect(await rejectedCode(wal.append(Record.put('k', 'v')))).toBe('LEVEL_READONLY')
  expect(await rejectedCode(wal.deleteSegmentsBefore(wal.position))).toBe('LEVEL_READONLY')
  await keys(wal.read())
  await wal.close()
  expect(contents(fs)).toEqual(before)
  expect(fs.steps).toBe(steps)
})

test('without one intact header nothing can be told from garbage', async () => {
  const fs = await fiveSegments()
  for (let id = 1; id <= 5; id++) damage(fs, segment(id), 20)
  expect(await rejectedCode(salvage(fs))).toBe('LEVEL_CORRUPTION')
})

test('it says how far it is', async () => {
  const fs = await fiveSegments()
  const told: number[] = []
  await openLog({ fs, recovery: 'salvage', onProgress: ({ bytesDone }) => told.push(bytesDone) })
  expect(told.at(-1)).toBe([1, 2, 3, 4, 5].reduce((sum, id) => sum + fs.file(segment(id)).length, 0))
})

import { describe, expect, test } from 'vitest'
import { type Position, Record, type Wal } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { Gate } from '../support/gate.js'
import { noise, text } from '../support/sample-values.js'
import { rejectedCode } from '../support/thrown-code.js'
import { fill, keys, numbered, openLog, reopened, TINY_SEGMENTS } from './open-log.js'

/** `count` records, key and value their number. */
async function numberedLog(wal: Wal, count: number, bytes: number): Promise<Position[]> {
  const records = Array.from({ length: count }, (_, i) => Record.put(String(i + 1), noise(bytes, i + 1)))
  return Promise.all(records.map(record => wal.append(record)))
}

/** The records that are not found, by number or by position, as they were appended. */
async function notFound(wal: Wal, positions: readonly Position[], bytes: number): Promise<unknown[]> {
  const wrong: unknown[] = []
  for (const [i, position] of positions.entries()) {
    for (const at of [i + 1, position]) {
      const { key, value, sequence } = await wal.get(at)
      const right = key.toString() === String(i + 1) && sequence === i + 1 && value?.equals(noise(bytes, i + 1))
      if (!right) wrong.push(at)
    }
  }
  return wrong
}

test('every record is found by number and by position, before and after a reopen', async () => {
  const options = { blockBytes: 2048, segmentBytes: 16_384 }
  const { wal, fs } = await openLog(options)
  const positions = await numberedLog(wal, 1000, 60)
  expect(await notFound(wal, positions, 60)).toEqual([])
  const again = await reopened(wal, { ...options, fs })
  expect(await notFound(again.wal, positions, 60)).toEqual([])
})

test('a record is found in frames so small that many share an entry of the index', async () => {
  const { wal, fs } = await openLog({ codec: 'none' })
  const positions: Position[] = []
  for (let i = 0; i < 500; i++) positions.push(await wal.append(Record.put(String(i + 1), noise(100, i + 1))))
  expect(await notFound(wal, positions, 100)).toEqual([])
  expect(await notFound((await reopened(wal, { fs })).wal, positions, 100)).toEqual([])
})

test('among many more segments than have an index in memory, in any order', async () => {
  const { wal, fs } = await openLog(TINY_SEGMENTS)
  const positions: Position[] = []
  for (let i = 0; i < 60; i++) positions.push(await wal.append(Record.put(String(i + 1), noise(1000, i + 1))))
  expect(positions.at(-1)!.segment).toBe(60)
  const check = async (log: Wal) => {
    expect(await notFound(log, positions, 1000)).toEqual([])
    for (const sequence of [60, 1, 30, 59, 2, 31]) expect((await log.get(sequence)).sequence).toBe(sequence)
    expect(await Promise.all(positions.map(at => log.get(at).then(({ sequence }) => sequence)))).toEqual(
      positions.map((_, i) => i + 1)
    )
  }
  await check(wal)
  await check((await reopened(wal, { ...TINY_SEGMENTS, fs })).wal)
})

test('of the files of many segments a few stay open, and all are closed at the end', async () => {
  const fs = new CrashableFileSystem()
  const { wal } = await openLog({ ...TINY_SEGMENTS, fs })
  await fill(wal, 60)
  const before = fs.openHandles
  for (let sequence = 1; sequence <= 60; sequence++) await wal.get(sequence)
  expect(fs.openHandles - before).toBe(16)
  await Promise.all(numbered(1, 60).map(sequence => wal.get(Number(sequence))))
  expect(fs.openHandles - before).toBe(16)
  await wal.close()
  expect(fs.openHandles).toBe(0)
})

test('a file that could not be opened, or read, is tried again by the next who wants it', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ ...TINY_SEGMENTS, fs })
  const positions = [await wal.append(Record.put('1', noise(1000))), await wal.append(Record.put('2', noise(1000)))]
  for (const call of ['open', 'read'] as const) {
    for (const at of [...positions, 1]) {
      fs.fail(call, { code: 'EMFILE' })
      await expect(wal.get(at)).rejects.toMatchObject({ code: 'EMFILE' })
    }
  }
  fs.fail('open', { code: 'EMFILE' })
  const together = await Promise.allSettled([1, 1, 2].map(sequence => wal.get(sequence)))
  expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  for (const at of [1, 2, ...positions]) expect((await wal.get(at)).value).toHaveLength(1000)
})

test('an old segment whose index was dropped has many frames, and all its records are found', async () => {
  const options = { codec: 'none', blockBytes: 1024, segmentBytes: 64 * 1024 } as const
  const { wal } = await openLog(options)
  const positions = await numberedLog(wal, 1500, 1000)
  expect(positions.at(-1)!.segment).toBeGreaterThan(20)
  expect(await notFound(wal, positions, 1000)).toEqual([])
})

describe('an old segment with many small frames, whose index was dropped', () => {
  const options = { codec: 'none', blockBytes: 1024, segmentBytes: 100_000 } as const

  async function manySmallFrames() {
    const disk = new CrashableFileSystem()
    const fs = new FaultyFileSystem(disk)
    const { wal } = await openLog({ ...options, fs })
    for (let i = 1; i <= 500; i++) await wal.append(Record.put(String(i), noise(100, i)))
    for (let i = 0; i < 20; i++) await wal.append(Record.put('large', noise(100_000)))
    return { disk, fs, wal }
  }

  test('is read in pieces, not frame by frame, and then its index is known again', async () => {
    const { fs, wal } = await manySmallFrames()
    const readsOf = async (sequence: number) => {
      const before = fs.calls.read ?? 0
      expect((await wal.get(sequence)).key.toString()).toBe(String(sequence))
      return fs.calls.read! - before
    }
    expect(await readsOf(1)).toBeLessThan(10)
    expect(await readsOf(400)).toBe(1)
    expect(await readsOf(200)).toBe(1)
  })

  test('is read from a number on', async () => {
    const { wal } = await manySmallFrames()
    const found = await keys(wal.read({ from: 300 }))
    expect(found.slice(0, 202)).toEqual([...numbered(300, 500), 'large'])
  })

  test('is told to be damaged if it changed since the log was opened', async () => {
    const { disk, wal } = await manySmallFrames()
    const path = '/log/000001.wal'
    const bytes = disk.file(path)
    const second = 80 + (48 + 4 + 1 + 100)
    bytes[second + 10]! ^= 1
    disk.put(path, bytes)
    await expect(wal.get(400)).rejects.toMatchObject({
      code: 'LEVEL_CORRUPTION',
      message: expect.stringContaining(`the frame at ${second} of segment 1`)
    })
  })
})

test('a frame that was just read is not read again', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ fs })
  const positions = await numberedLog(wal, 20, 50)
  await wal.get(positions[3]!)
  const before = fs.calls.read
  for (const [i, position] of positions.entries()) {
    await wal.get(position)
    await wal.get(i + 1)
  }
  expect(fs.calls.read).toBe(before)
})

test('frames up to 1 MiB are kept when they were read, larger ones are not', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ fs, codec: 'none' })
  const small = await wal.append(Record.put('1', noise(1_000_000)))
  const large = await wal.append(Record.put('2', noise(1_100_000)))
  for (const [at, reads] of [
    [small, 1],
    [large, 4]
  ] as const) {
    await wal.get(at)
    const before = fs.calls.read!
    for (let i = 0; i < 2; i++) await wal.get(at)
    expect(fs.calls.read! - before).toBe(reads === 1 ? 0 : reads)
  }
})

describe('a frame that changed since the log was opened', () => {
  test.for([
    { what: 'its records', at: 48 + 20 },
    { what: 'its header', at: 20 }
  ])('$what: is corruption, by number and by position', async ({ at }) => {
    const fs = new CrashableFileSystem()
    const { wal } = await openLog({ fs })
    const position = await wal.append(Record.put('1', noise(500)))
    const bytes = fs.file('/log/000001.wal')
    bytes[position.offset + at]! ^= 1
    fs.put('/log/000001.wal', bytes)
    for (const place of [1, position]) {
      await expect(wal.get(place)).rejects.toMatchObject({
        code: 'LEVEL_CORRUPTION',
        message: expect.stringContaining('the frame at 80 of segment 1 of the log is damaged')
      })
    }
  })
})

test('a place that is no frame is told from one that is damaged by the frames before it', async () => {
  const fs = new CrashableFileSystem()
  const { wal } = await openLog({ fs, codec: 'none' })
  const positions: Position[] = [] // So many frames that the index has entries for only a few of them.
  for (let i = 0; i < 400; i++) positions.push(await wal.append(Record.put('k', noise(100))))
  const bytes = fs.file('/log/000001.wal')
  bytes[positions[300]!.offset + 20]! ^= 1
  fs.put('/log/000001.wal', bytes)
  const codesAt = async (frame: number, inFrame: number) => {
    const at = { segment: 1, offset: positions[frame]!.offset + inFrame, index: 0 }
    return [await rejectedCode(wal.get(at)), await rejectedCode(wal.read({ from: at }).next())]
  }
  for (const intact of [299, 301, 399]) expect(await codesAt(intact, 0)).toEqual([undefined, undefined])
  for (const inFrame of [1, 100]) expect(await codesAt(299, inFrame)).toEqual(['CKV_OUT_OF_RANGE', 'CKV_OUT_OF_RANGE'])
  expect(await codesAt(300, 0)).toEqual(['LEVEL_CORRUPTION', 'LEVEL_CORRUPTION'])
  // Behind the damage it might be one, for all that can be told, up to the next frame that the index knows.
  expect(await codesAt(301, 1)).toEqual(['LEVEL_CORRUPTION', 'LEVEL_CORRUPTION'])
  expect(await codesAt(399, 1)).toEqual(['CKV_OUT_OF_RANGE', 'CKV_OUT_OF_RANGE'])
})

test('a record of a segment that was just ended is found by one read', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ ...TINY_SEGMENTS, fs })
  await fill(wal, 4)
  for (let sequence = 1; sequence <= 4; sequence++) {
    const before = fs.calls.read ?? 0
    await wal.get(sequence)
    expect(fs.calls.read).toBe(before + 1)
  }
})

test('what is found is the caller’s own: changing it changes no later read', async () => {
  const { wal } = await openLog()
  const plain = await wal.append(Record.put('key', text(40)))
  const sealed = await wal.append(Record.put('key', text(40), { codec: 'none' }))
  const compressed = await wal.append(Record.put('key', text(400), { codec: 'lz4' }))
  const large = await wal.append(Record.put('key', noise(2_000_000)))
  for (const [i, at] of [plain, sealed, compressed, large].entries()) {
    for (const place of [at, i + 1]) {
      const first = await wal.get(place)
      const value = Buffer.from(first.value!)
      first.key.fill(0)
      first.value!.fill(0)
      const second = await wal.get(place)
      expect(second.key.toString()).toBe('key')
      expect(second.value!.equals(value)).toBe(true)
    }
  }
})

describe('out of range', () => {
  test('the error names the record, segment, frame or index that does not exist', async () => {
    const { wal } = await openLog()
    await expect(wal.get(7)).rejects.toThrow('The log has no record 7')
    const { segment, offset } = await wal.append(Record.put('a', ''))
    const at = (other: Partial<Position>) => wal.get({ segment, offset, index: 0, ...other })
    await expect(at({ segment: 3 })).rejects.toThrow('The log has no segment 3')
    await expect(at({ offset: offset + 1 })).rejects.toThrow(`no frame at ${offset + 1}`)
    await expect(at({ offset: offset + 1000 })).rejects.toThrow(`no frame at ${offset + 1000}`)
    await expect(at({ index: 1 })).rejects.toThrow('has 1 records, and none with the index 1')
    await expect(wal.read({ from: { segment, offset, index: 1 } }).next()).rejects.toThrow(
      'has 1 records, and none with the index 1'
    )
  })

  test('a number that no record has is CKV_OUT_OF_RANGE', async () => {
    const { wal } = await openLog()
    expect(await rejectedCode(wal.get(1))).toBe('CKV_OUT_OF_RANGE')
    await fill(wal, 3)
    for (const sequence of [0, -1, 4, 1.5, Number.NaN, Infinity, 2 ** 53]) {
      expect([sequence, await rejectedCode(wal.get(sequence))]).toEqual([sequence, 'CKV_OUT_OF_RANGE'])
    }
  })

  test('a position where no record lies', async () => {
    const { wal, fs } = await openLog()
    const [first] = await wal.appendBatch([Record.put('a', noise(100)), Record.put('b', '')])
    const last = await wal.append(Record.put('c', ''))
    const places = (log: Wal): Position[] => [
      log.position,
      { ...first!, index: 2 },
      { ...first!, index: -1 },
      { ...first!, segment: 0 },
      { ...first!, segment: 9 },
      { ...first!, offset: 0 },
      { ...first!, offset: -80 },
      { ...first!, offset: first!.offset + 1 },
      { ...last, offset: last.offset + 1 },
      { ...last, offset: last.offset + 10_000 }
    ]
    const check = async (log: Wal) => {
      for (const at of places(log)) expect([at, await rejectedCode(log.get(at))]).toEqual([at, 'CKV_OUT_OF_RANGE'])
    }
    await check(wal)
    const end = wal.position
    const again = await reopened(wal, { fs })
    await check(again.wal)
    expect(await rejectedCode(again.wal.get(end))).toBe('CKV_OUT_OF_RANGE') // The seal lies there now.
  })

  test('a record that was deleted, also one that was read before', async () => {
    const { wal } = await openLog(TINY_SEGMENTS)
    await fill(wal, 5)
    const first = { segment: 1, offset: 80, index: 0 }
    await Promise.all([wal.get(1), wal.get(first)])
    await wal.deleteSegmentsBefore({ segment: 4, offset: 0, index: 0 })
    for (const at of [1, 3, first]) expect(await rejectedCode(wal.get(at))).toBe('CKV_OUT_OF_RANGE')
    expect((await wal.get(4)).sequence).toBe(4)
  })

  test('a record that is being deleted', async () => {
    const gate = new Gate()
    const fs = new (class extends FaultyFileSystem {
      override async remove(path: string): Promise<void> {
        await super.remove(path)
        await gate.wait()
      }
    })(new CrashableFileSystem())
    const { wal } = await openLog({ ...TINY_SEGMENTS, fs })
    await fill(wal, 3)
    const deleting = wal.deleteSegmentsBefore({ segment: 2, offset: 0, index: 0 })
    await gate.reached
    const found = await wal.get(1).then(
      ({ sequence }) => sequence,
      (error: { code?: string }) => error.code
    )
    gate.open()
    await deleting
    expect([1, 'CKV_OUT_OF_RANGE']).toContain(found)
  })
})

test.for([
  undefined,
  null,
  'a',
  {},
  { segment: 1 },
  { segment: 1, offset: 80, index: '0' },
  { segment: 1, offset: 0.5, index: 0 },
  { segment: '1', offset: 80, index: 0 }
])('%j is no place', async at => {
  const { wal } = await openLog()
  await fill(wal, 1)
  await expect(wal.get(at as never)).rejects.toMatchObject({
    code: 'CKV_INVALID_OPTION',
    message: 'A place in the log is a position, as append() gives it, or a sequence number'
  })
})

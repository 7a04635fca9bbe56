import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Codec, type Position, Record, registerCodec, type Wal, type WalEntry } from '../../src/index.js'
import { CrashableFileSystem } from '../support/crashable-file-system.js'
import { FaultyFileSystem } from '../support/faulty-file-system.js'
import { noise } from '../support/sample-values.js'
import { rejectedCode, thrownCode } from '../support/thrown-code.js'
import { collect, fill, keys, numbered, openLog, reopened, TINY_SEGMENTS } from './open-log.js'

const LAYOUTS = [
  { name: 'one frame', options: {} },
  { name: 'many frames', options: { codec: 'none', blockBytes: 1024 } },
  { name: 'many segments', options: { codec: 'none', blockBytes: 1024, segmentBytes: 4096 } }
] as const

/** 200 records, '1' to '200', in frames of several. */
async function twoHundred(wal: Wal): Promise<void> {
  await Promise.all(numbered(1, 200).map(key => wal.append(Record.put(key, noise(100)))))
}

test.for(LAYOUTS)('from the start, from every number and every position to the end, of $name', async ({ options }) => {
  const { wal, fs } = await openLog(options)
  await twoHundred(wal)
  for (const reopen of [false, true]) {
    const log = reopen ? (await reopened(wal, { ...options, fs })).wal : wal
    const entries = await collect(log.read())
    expect(entries.map(({ record }) => record.key.toString())).toEqual(numbered(1, 200))
    expect(entries.map(({ record }) => record.sequence)).toEqual(numbered(1, 200).map(Number))
    for (let from = 1; from <= 200; from += 7) {
      expect(await keys(log.read({ from }))).toEqual(numbered(from, 200))
      expect(await keys(log.read({ from: entries[from - 1]!.position }))).toEqual(numbered(from, 200))
    }
    expect(await keys(log.read({ from: log.nextSequence }))).toEqual([])
    expect(await keys(log.read({ from: log.position }))).toEqual([])
  }
})

test('an end that was noted before more was appended, closed and opened is a place to go on', async () => {
  let { wal, fs } = await openLog(TINY_SEGMENTS)
  for (let round = 0; round < 6; round++) {
    const [end, next] = [wal.position, wal.nextSequence]
    if (round % 2 === 1) ({ wal, fs } = await reopened(wal, { ...TINY_SEGMENTS, fs }))
    await fill(wal, 2, round < 3 ? 1000 : 10)
    expect(await keys(wal.read({ from: end }))).toEqual(numbered(next, next + 1))
    expect(await keys(wal.read({ from: next }))).toEqual(numbered(next, next + 1))
  }
})

test('a reader that does not follow ends where the log ends, and stays at its end', async () => {
  const { wal } = await openLog()
  await fill(wal, 2)
  const reader = wal.read()
  for (const key of ['1', '2']) expect((await reader.next()).value?.record.key.toString()).toBe(key)
  expect(await reader.next()).toEqual({ done: true, value: undefined })
  await fill(wal, 1)
  expect(await reader.next()).toEqual({ done: true, value: undefined })
})

test('an empty log has nothing to read', async () => {
  const { wal } = await openLog()
  expect(await collect(wal.read())).toEqual([])
  expect(await collect(wal.read({ from: 1 }))).toEqual([])
})

test('several readers go their own ways, while the log grows', async () => {
  const { wal } = await openLog({ codec: 'none', blockBytes: 1024, segmentBytes: 4096 })
  await twoHundred(wal)
  const readers = Array.from({ length: 10 }, (_, i) => keys(wal.read({ from: i * 10 + 1 })))
  const [read] = await Promise.all([Promise.all(readers), fill(wal, 50)])
  for (const [i, found] of read.entries()) {
    expect(found.slice(0, 200 - i * 10)).toEqual(numbered(i * 10 + 1, 200))
  }
  expect(await keys(wal.read())).toEqual(numbered(1, 250))
})

test('calls of next() that nobody waited for are answered in order', async () => {
  const { wal } = await openLog({ codec: 'none', blockBytes: 1024 })
  await twoHundred(wal)
  const reader = wal.read()
  const results = await Promise.all(Array.from({ length: 202 }, () => reader.next()))
  expect(results.slice(0, 200).map(({ value }) => value?.record.key.toString())).toEqual(numbered(1, 200))
  expect(results.slice(200).map(({ done }) => done)).toEqual([true, true])
})

test('a call of next() between two answers is answered after those that were made before it', async () => {
  const { wal } = await openLog()
  await twoHundred(wal)
  const reader = wal.read()
  const made = [reader.next(), reader.next(), reader.next()]
  await made[0]
  const results = await Promise.all([...made, reader.next()])
  expect(results.map(({ value }) => value?.record.key.toString())).toEqual(['1', '2', '3', '4'])
})

test('records with values of their own codecs come in order too', async () => {
  const { wal } = await openLog()
  const codecs = [undefined, 'lz4', 'zstd', 'none'] as const
  await Promise.all(numbered(1, 40).map(key => wal.append(Record.put(key, key, { codec: codecs[Number(key) % 4] }))))
  const entries = await collect(wal.read())
  expect(entries.map(({ record }) => record.value?.toString())).toEqual(numbered(1, 40))
})

test('calls of next() at once are answered in order, whatever thread restores their values', async () => {
  const { wal } = await openLog()
  const restoredLater: Codec = {
    id: 219,
    name: 'restored later',
    compress: async data => deflateRawSync(data),
    compressSync: data => deflateRawSync(data),
    decompress: async data => inflateRawSync(data)
  }
  registerCodec(restoredLater)
  const codecs = [undefined, restoredLater, restoredLater, 'none'] as const
  await Promise.all(
    numbered(1, 40).map(key => wal.append(Record.put(key, key.repeat(100), { codec: codecs[Number(key) % 4] })))
  )
  const reader = wal.read()
  const results = await Promise.all(Array.from({ length: 41 }, () => reader.next()))
  const values = results.map(({ value }) => value?.record.value?.toString())
  expect(values).toEqual([...numbered(1, 40).map(key => key.repeat(100)), undefined])
})

describe('frames are decompressed ahead', () => {
  let decompressed = 0
  const counting: Codec = {
    id: 220,
    name: 'counting',
    compress: async data => deflateRawSync(data, { level: 1 }),
    decompress: async data => {
      decompressed++
      return inflateRawSync(data)
    }
  }

  async function compressedLog(frames: number, bytes: number) {
    registerCodec(counting)
    const { wal, fs } = await openLog({ codec: counting })
    for (const key of numbered(1, frames)) await wal.append(Record.put(key, Buffer.alloc(bytes)))
    decompressed = 0
    return { wal, fs }
  }

  test('but no more than a few', async () => {
    const { wal } = await compressedLog(20, 1000)
    const reader = wal.read()
    await reader.next()
    expect(decompressed).toBe(4)
    await reader.next()
    expect(decompressed).toBe(5)
    expect(await keys(reader)).toEqual(numbered(3, 20))
    expect(decompressed).toBe(20)
  })

  test('and no more than some bytes, however long the log is', async () => {
    const { wal } = await compressedLog(6, 5 * 1024 * 1024)
    const reader = wal.read()
    await reader.next()
    expect(decompressed).toBe(2)
    await reader.next()
    expect(decompressed).toBe(3)
    expect(await keys(reader)).toEqual(numbered(3, 6))
    expect(decompressed).toBe(6)
  })
})

test('a reader that goes out of scope lets go of its segment', async () => {
  const { wal } = await openLog(TINY_SEGMENTS)
  await fill(wal, 3)
  const reader = wal.read()
  await reader.next()
  expect(await wal.deleteSegmentsBefore(wal.position)).toBe(0)
  await (reader as AsyncIterableIterator<WalEntry> & AsyncDisposable)[Symbol.asyncDispose]()
  expect(await reader.next()).toEqual({ done: true, value: undefined })
  expect(await wal.deleteSegmentsBefore(wal.position)).toBe(2)
})

/** Three frames in a segment, the one with that number damaged. */
async function damaged(number: number) {
  const disk = new CrashableFileSystem()
  const fs = new FaultyFileSystem(disk)
  const { wal } = await openLog({ fs, codec: 'none' })
  const positions: Position[] = []
  for (let i = 1; i <= 3; i++) positions.push(await wal.append(Record.put(String(i), noise(300))))
  const path = '/log/000001.wal'
  const bytes = disk.file(path)
  bytes[positions[number - 1]!.offset + 100]! ^= 1
  disk.put(path, bytes)
  return { wal, fs, positions }
}

describe('a frame that changed since the log was opened', () => {
  test('is corruption to whoever comes to it', async () => {
    const { wal, positions } = await damaged(2)
    for (const from of [undefined, 1, positions[0]!]) {
      const reader = wal.read({ from })
      expect((await reader.next()).value?.record.sequence).toBe(1)
      await expect(reader.next()).rejects.toMatchObject({
        code: 'LEVEL_CORRUPTION',
        message: expect.stringContaining(`the frame at ${positions[1]!.offset} of segment 1`)
      })
      expect(await reader.next()).toEqual({ done: true, value: undefined })
    }
    for (const from of [undefined, 1]) {
      await expect((await damaged(1)).wal.read({ from }).next()).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    }
  })

  test('is corruption to whoever begins there', async () => {
    const { wal, positions } = await damaged(2)
    for (const from of [2, positions[1]!]) {
      await expect(wal.read({ from }).next()).rejects.toMatchObject({
        code: 'LEVEL_CORRUPTION',
        message: expect.stringContaining(`the frame at ${positions[1]!.offset} of segment 1`)
      })
    }
  })

  test('is told from one that cannot be read', async () => {
    const { wal, fs, positions } = await damaged(2)
    fs.fail('read', { code: 'EIO' })
    await expect(wal.read({ from: positions[0]! }).next()).rejects.toMatchObject({ code: 'EIO' })
  })
})

test.for([0, -1, 4, 2.5, Number.NaN])('from %s, which no record has, is out of range', async from => {
  const { wal } = await openLog()
  await fill(wal, 2)
  expect(await rejectedCode(collect(wal.read({ from })))).toBe('CKV_OUT_OF_RANGE')
})

test('from a position where no record can lie is out of range', async () => {
  const { wal } = await openLog()
  await fill(wal, 2)
  const at = { segment: 1, offset: 80, index: 0 }
  for (const from of [
    { ...at, segment: 0 },
    { ...at, segment: 3 },
    { ...at, offset: 81 },
    { ...at, offset: 0 },
    { ...at, offset: 1_000_000 },
    { ...at, index: 2 },
    { ...at, index: -1 }
  ]) {
    expect([from, await rejectedCode(collect(wal.read({ from })))]).toEqual([from, 'CKV_OUT_OF_RANGE'])
  }
  await expect(collect(wal.read({ from: { ...at, segment: 3 } }))).rejects.toThrow('The log has no segment 3')
  await expect(collect(wal.read({ from: { ...at, offset: 0 } }))).rejects.toThrow(
    'Segment 1 of the log has no frame at 0'
  )
  expect(await rejectedCode(collect(wal.read({ from: {} as never })))).toBe('CKV_INVALID_OPTION')
})

test('from a record that was deleted is out of range', async () => {
  const { wal } = await openLog(TINY_SEGMENTS)
  await fill(wal, 4)
  await wal.deleteSegmentsBefore({ segment: 3, offset: 0, index: 0 })
  expect(await rejectedCode(collect(wal.read({ from: 1 })))).toBe('CKV_OUT_OF_RANGE')
  expect(await rejectedCode(collect(wal.read({ from: { segment: 2, offset: 80, index: 0 } })))).toBe('CKV_OUT_OF_RANGE')
  await expect(collect(wal.read({ from: 1 }))).rejects.toThrow('no record 1: its oldest is 3')
  await expect(collect(wal.read({ from: 9 }))).rejects.toThrow('no record 9: it was deleted, or is not written yet')
  expect(await keys(wal.read())).toEqual(numbered(3, 4))
})

test('an aborted signal ends the loop with its reason, before it begins and in its midst', async () => {
  const { wal } = await openLog()
  await fill(wal, 5)
  const reason = new Error('enough')
  await expect(collect(wal.read({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason)
  const controller = new AbortController()
  const seen: number[] = []
  const loop = async () => {
    for await (const { record } of wal.read({ signal: controller.signal })) {
      seen.push(record.sequence)
      if (record.sequence === 2) controller.abort(reason)
    }
  }
  await expect(loop()).rejects.toBe(reason)
  expect(seen).toEqual([1, 2])
})

test('a log that is closed is not read', async () => {
  const { wal } = await openLog()
  await fill(wal, 1)
  await wal.close()
  expect(await rejectedCode(wal.get(1))).toBe('LEVEL_DATABASE_NOT_OPEN')
  await expect(collect(wal.read())).rejects.toMatchObject({
    code: 'LEVEL_DATABASE_NOT_OPEN',
    message: 'The log is closed'
  })
})

test('an option that there is not is refused, by the name of the call', async () => {
  const { wal } = await openLog()
  expect(() => wal.read({ form: 1 } as never)).toThrow(/'form' of read\(\)/)
})

test('a reader whose segment cannot be opened says why, and holds nothing', async () => {
  const fs = new FaultyFileSystem(new CrashableFileSystem())
  const { wal } = await openLog({ ...TINY_SEGMENTS, fs })
  await fill(wal, 3)
  fs.fail('open', { code: 'EMFILE' })
  const reader = wal.read()
  await expect(reader.next()).rejects.toMatchObject({ code: 'EMFILE' })
  expect(await reader.next()).toEqual({ done: true, value: undefined })
  expect(await wal.deleteSegmentsBefore(wal.position)).toBe(2)
})

test('every way to end a loop closes its file', async () => {
  const disk = new CrashableFileSystem()
  const { wal } = await openLog({ ...TINY_SEGMENTS, fs: new FaultyFileSystem(disk) })
  await fill(wal, 4)
  const before = disk.openHandles
  await collect(wal.read())
  for await (const { record } of wal.read()) if (record.sequence === 2) break
  await (async () => {
    for await (const _ of wal.read()) throw new Error('left')
  })().catch(() => {})
  await collect(wal.read({ signal: AbortSignal.abort() })).catch(() => {})
  await collect(wal.read({ from: { segment: 1, offset: 81, index: 0 } })).catch(() => {})
  expect(disk.openHandles).toBe(before)
})

test.for([0, 1, 2, 4, 8, 16, 32])(
  'a reader given back while a call of next() is under way holds nothing (%i turns later)',
  async microtasks => {
    const disk = new CrashableFileSystem()
    const { wal } = await openLog({ ...TINY_SEGMENTS, fs: disk })
    await fill(wal, 3)
    const before = disk.openHandles
    const reader = wal.read()
    const next = reader.next()
    for (let i = 0; i < microtasks; i++) await Promise.resolve()
    await reader.return!()
    const { done, value } = await next
    expect(done === true || value.record.sequence === 1).toBe(true)
    expect(await wal.deleteSegmentsBefore(wal.position)).toBe(2)
    expect(disk.openHandles).toBe(before)
  }
)

test('a log opened to be only read does not grow: it cannot be followed', async () => {
  const { wal, fs } = await openLog()
  await fill(wal, 1)
  await wal.close()
  const again = await openLog({ fs, readOnly: true })
  expect(thrownCode(() => again.wal.read({ follow: true }))).toBe('CKV_INVALID_OPTION')
  expect(() => again.wal.read({ follow: true })).toThrow('cannot be followed')
})

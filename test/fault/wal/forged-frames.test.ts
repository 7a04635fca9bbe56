// oxlint-disable vitest/no-conditional-expect -- what is expected depends on where the fault falls
// oxlint-disable vitest/expect-expect -- the functions that they call expect
import { describe, expect, test } from 'vitest'
import { crc32c } from '../../../src/checksum/crc32c.js'
import { CODEC_ID } from '../../../src/codec/codec.js'
import { lz4 } from '../../../src/codec/lz4/lz4.js'
import { zstd } from '../../../src/codec/zstd/zstd.js'
import { NO_GUARD } from '../../../src/envelope/guard.js'
import { sealCompressed } from '../../../src/envelope/seal.js'
import {
  FRAME_TYPE,
  MAX_FRAME_BYTES,
  RECORD_EXPIRES,
  RECORD_MORE,
  RECORD_SEALED,
  SEGMENT_CRC_AT,
  SEGMENT_CREATED_AT,
  SEGMENT_FEATURES_AT,
  SEGMENT_FIRST_SEQUENCE_AT,
  SEGMENT_ID_AT,
  SEGMENT_RESERVED_AT,
  SEGMENT_VERSION_AT
} from '../../../src/wal/format/format.js'
import { boundedMemory } from '../../codec/bounded-memory.js'
import { frame as zstdFrame, rawBlock, rleBlock, WINDOW_128_KIB } from '../../codec/zstd/zstd-parts.js'
import { noise, text } from '../../support/sample-values.js'
import { type ForgedFrame, forgedSegment, good, putBytes, recordOf, sealOf } from './forged-log.js'
import { diskWith, filesOf, imageOf, linesOf, openLog, putLine } from './log-disk.js'

const { lz4: LZ4, zstd: ZSTD } = CODEC_ID
const GIB = 1024 ** 3
/** 2^64 - 1: above 2^53 - 1 it is nothing that a log counts. */
const NO_NUMBER = Buffer.alloc(8, 0xff)

const goodLine = (number: number) => putLine(number, `k${number}`, `v${number}`)

function lz4Of(claimed: number, block: Uint8Array): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(claimed)
  return Buffer.concat([size, block])
}

/** Runs of 128 KiB, four bytes each, that unfold to `bytes`. */
function zstdBomb(bytes: number, header: readonly number[] = [0, WINDOW_128_KIB]): Buffer {
  return zstdFrame(
    header,
    Array.from({ length: bytes / (128 * 1024) }, () => rleBlock(128 * 1024))
  )
}

/** One LZ4 block that unfolds to about 255 times its own length: one literal, and a match that goes on and on. */
function lz4Bomb(bytes: number): Buffer {
  const block = Buffer.alloc(Math.ceil(bytes / 255), 0xff)
  block.set([0x1f, 0x61, 1, 0])
  return block
}

/** Frames whose checksums hold. Each has one record, if anybody can tell. */
const lies: Readonly<Record<string, ForgedFrame>> = {
  'a raw length of 4 GiB': { codecId: ZSTD, stored: zstdBomb(GIB), rawLength: 0xffffffff },
  'a raw length just above the limit, and a bomb that has it': {
    codecId: ZSTD,
    stored: zstdBomb(MAX_FRAME_BYTES + 128 * 1024),
    rawLength: MAX_FRAME_BYTES + 128 * 1024
  },
  'a raw length of 1 GiB that LZ4 cannot hold': { codecId: LZ4, stored: lz4Of(GIB, noise(500)), rawLength: GIB },
  'a raw length of 1 GiB that Zstandard cannot hold': {
    codecId: ZSTD,
    stored: zstdFrame([0, WINDOW_128_KIB], [rawBlock(text(500))]),
    rawLength: GIB
  },
  'a raw length of 1 GiB that header and frame agree on': {
    codecId: ZSTD,
    stored: zstdFrame([0xa0, 0, 0, 0, 0x40], [rawBlock(text(500))]),
    rawLength: GIB
  },
  'a raw length that is not the stored one, uncompressed': { stored: putBytes('k2', 'v2'), rawLength: 9 },
  'a raw length of 0': { codecId: LZ4, stored: putBytes('k2', 'v2'), rawLength: 0 },
  'no payload': { stored: Buffer.alloc(0), rawLength: 0 },
  'a count of 2^32 - 1': { stored: putBytes('k2', 'v2'), count: 0xffffffff, takes: 1 },
  'a count of 0': { stored: putBytes('k2', 'v2'), count: 0, takes: 1 },
  'a count that is one too many': { stored: putBytes('k2', 'value'.repeat(3)), count: 2, takes: 1 },
  'a count that is one too few': { stored: Buffer.concat([putBytes('k2', 'v2'), putBytes('k3', 'v3')]), count: 1 },
  'a record of kind 0': { stored: recordOf(0, 0, 1, 1, [Buffer.from('kv')]) },
  'a record of kind 4': { stored: recordOf(4, 0, 1, 1, [Buffer.from('kv')]) },
  'a record of kind 255': { stored: recordOf(255, 0, 1, 1, [Buffer.from('kv')]) },
  'a record with an unknown flag': { stored: recordOf(1, 8, 1, 1, [Buffer.from('kv')]) },
  'a record with all flags': { stored: recordOf(1, 255, 1, 1, [Buffer.from('kv')]) },
  'a key length of 4 GiB': { stored: recordOf(1, 0, 0xffffffff, 1, [Buffer.from('kv')]) },
  'a value length of 4 GiB': { stored: recordOf(1, 0, 1, 0xffffffff, [Buffer.from('kv')]) },
  'a value length that is one too long': { stored: recordOf(1, 0, 1, 2, [Buffer.from('kv')]) },
  'a value length that is one too short': { stored: recordOf(1, 0, 1, 1, [Buffer.from('kvx')]) },
  'a length that goes on for six bytes': { stored: Buffer.from([1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x6b]) },
  'a length that goes on to the end': { stored: Buffer.from([1, 0, 0x80, 0x80]) },
  'a record of one byte': { stored: Buffer.concat([putBytes('k2', 'v2'), Buffer.from([1])]) },
  'a record of three bytes': { stored: Buffer.concat([putBytes('k2', 'v2'), Buffer.from([1, 0, 1])]) },
  'an expiry that is cut short': { stored: recordOf(1, RECORD_EXPIRES, 0, 0, [Buffer.alloc(5)]) },
  'a batch that goes on behind the frame': { stored: putBytes('k2', 'v2', RECORD_MORE) },
  'LZ4 data without a size': { codecId: LZ4, stored: Buffer.from([1, 2]), rawLength: 100 },
  'LZ4 data of noise': { codecId: LZ4, stored: lz4Of(3000, noise(900)), rawLength: 3000 },
  'LZ4 data that claims another length': {
    codecId: LZ4,
    stored: lz4Of(3001, lz4().compressSync!(text(3000))),
    rawLength: 3000
  },
  'LZ4 data that is cut short': {
    codecId: LZ4,
    stored: Buffer.from(lz4().compressSync!(noise(3000))).subarray(0, -9),
    rawLength: 3000
  },
  'an LZ4 bomb': { codecId: LZ4, stored: lz4Of(1000, lz4Bomb(256 * 1024 * 1024)), rawLength: 1000 },
  'an LZ4 bomb that ends too early': { codecId: LZ4, stored: lz4Of(30_000, lz4Bomb(10_000_000)), rawLength: 30_000 },
  'Zstandard data of noise': { codecId: ZSTD, stored: noise(900), rawLength: 3000 },
  'Zstandard data that is cut short': {
    codecId: ZSTD,
    stored: Buffer.from(zstd().compressSync!(text(3000))).subarray(0, -3),
    rawLength: 3000
  },
  'Zstandard data that unfolds to less': {
    codecId: ZSTD,
    stored: Buffer.from(zstd().compressSync!(text(3000))),
    rawLength: 3001
  },
  'Zstandard data that unfolds to more': {
    codecId: ZSTD,
    stored: Buffer.from(zstd().compressSync!(text(3000))),
    rawLength: 2999
  },
  'a Zstandard bomb': { codecId: ZSTD, stored: zstdBomb(GIB), rawLength: 1000 },
  'a Zstandard bomb in a block of its own': { codecId: ZSTD, stored: zstdBomb(GIB), rawLength: 20_000 },
  'a Zstandard bomb with a window of 1 TiB': { codecId: ZSTD, stored: zstdBomb(GIB, [0, 30 << 3]), rawLength: 1000 },
  'a seal that counts another number of records': sealOf(7, 1),
  'a seal that names another last record': sealOf(1, 9),
  'a seal with a payload too long': { ...sealOf(1, 1), stored: Buffer.alloc(17) },
  'a seal that is compressed': { ...sealOf(1, 1), codecId: LZ4 },
  'a seal with a record': { ...sealOf(1, 1), count: 1 },
  'the begin of a snapshot with no number': { type: FRAME_TYPE.snapshotBegin, stored: Buffer.alloc(7), count: 0 },
  'the begin of a snapshot whose number is none': { type: FRAME_TYPE.snapshotBegin, stored: NO_NUMBER, count: 0 },
  'the end of a snapshot whose count is none': { type: FRAME_TYPE.snapshotEnd, stored: NO_NUMBER, count: 0 },
  'the end of a snapshot with records': { type: FRAME_TYPE.snapshotEnd, stored: Buffer.alloc(8), count: 3, takes: 0 },
  'records of a snapshot that are none': { type: FRAME_TYPE.snapshotData, stored: noise(100), takes: 0 }
}

/** What a later version, or a program that registers more codecs, may have written. */
const unknown: Readonly<Record<string, ForgedFrame>> = {
  'a frame of type 0': { ...good(2), type: 0 },
  'a frame of type 6': { ...good(2), type: 6 },
  'a frame of type 255': { ...good(2), type: 255 },
  'a frame with flags': { ...good(2), flags: 1 },
  'a frame with reserved bits': { ...good(2), reserved: 128 },
  'codec 3': { ...good(2), codecId: 3 },
  'codec 127': { ...good(2), codecId: 127 },
  'codec 255, which nobody registered': { ...good(2), codecId: 255 }
}

/** What is no frame at its place, though its checksums hold: it follows nothing, or says what cannot be. */
const displaced: Readonly<Record<string, ForgedFrame>> = {
  'a stored length of 4 GiB': { ...good(2), storedLength: 0xffffffff },
  'a stored length that ends behind the file': { ...good(2), storedLength: 5000 },
  'a number that was used before': { ...good(2), firstSequence: 1 },
  'a number that leaves a gap': { ...good(2), firstSequence: 3 },
  'a number of 2^53 - 1': { ...good(2), firstSequence: Number.MAX_SAFE_INTEGER },
  'a number that is none': { ...good(2), firstSequence: 2 ** 63 },
  'a synced offset after itself': { ...good(2), syncedOffset: 10_000 },
  'a synced offset that is no number': { ...good(2), syncedOffset: 2 ** 63 },
  'another frame before it': { ...good(2), previousCrc: 0x12345678 }
}

function fileOf(lie: ForgedFrame): Buffer {
  return forgedSegment([good(1), lie, good(3)])
}

test('frames forged as they should be are read', async () => {
  const compressed = zstd().compressSync!(putBytes('k2', 'v2'.repeat(500)))
  const stored = { codecId: ZSTD, stored: Buffer.from(compressed), rawLength: putBytes('k2', 'v2'.repeat(500)).length }
  for (const end of [[], [sealOf(3, 3)]]) {
    const fs = diskWith({ '000001.wal': forgedSegment([good(1), stored, good(3), ...end]) })
    const { wal, recovery } = await openLog(fs)
    expect(await linesOf(wal)).toEqual([goodLine(1), putLine(2, 'k2', 'v2'.repeat(500)), goodLine(3)])
    expect(recovery.bytesTruncated).toBe(0)
    await wal.close()
  }
})

describe.each(Object.entries(lies))('a frame whose checksums hold, with %s,', (_, lie) => {
  test('is refused, in bounded memory, and nothing is changed', async () => {
    await boundedMemory(() => expectRefused({ '000001.wal': fileOf(lie) }, 'LEVEL_CORRUPTION'))
  })

  test('is skipped by salvage', async () => {
    await boundedMemory(() => expectSkipped(lie))
  })
})

describe.each(Object.entries(unknown))('%s', (_, frame) => {
  test('is refused as unsupported, and nothing is changed', async () => {
    await expectRefused({ '000001.wal': fileOf(frame) }, 'LEVEL_NOT_SUPPORTED')
  })

  test('is skipped by salvage', () => expectSkipped(frame))
})

describe.each(Object.entries(displaced))('a frame whose checksums hold, with %s,', (_, frame) => {
  test('is cut off, where nothing vouches for it', async () => {
    const fs = diskWith({ '000001.wal': fileOf(frame) })
    const { wal, recovery } = await boundedMemory(() => openLog(fs))
    expect(await linesOf(wal)).toEqual([goodLine(1)])
    expect(recovery.corruption).toHaveLength(1)
    expect(wal.nextSequence).toBe(2)
    await wal.close()
  })

  test('is refused where a later frame vouches for it', async () => {
    const vouching = { ...good(3), syncedOffset: fileOf({ ...frame, stored: Buffer.alloc(0) }).length }
    const file = forgedSegment([good(1), frame, { ...vouching, firstSequence: 3 }])
    await expectRefused({ '000001.wal': file }, 'LEVEL_CORRUPTION')
  })
})

describe('a number that no record can have', () => {
  test.each([2 ** 53, 2 ** 63])('(%i) is not what salvage reads', async firstSequence => {
    const file = forgedSegment([good(1), { ...good(2), firstSequence }, good(3)])
    const { wal } = await openLog(diskWith({ '000001.wal': file }), { recovery: 'salvage' })
    expect(await linesOf(wal)).toEqual([goodLine(1), goodLine(3)])
    await wal.close()
  })
})

describe('a segment header whose checksum holds', () => {
  test.each([
    ['version', (header: Buffer) => header.writeUInt16LE(2, SEGMENT_VERSION_AT)],
    ['feature', (header: Buffer) => header.writeUInt16LE(0x8000, SEGMENT_FEATURES_AT)],
    ['reserved bit', (header: Buffer) => header.writeUInt32LE(1, SEGMENT_RESERVED_AT)]
  ])('with a later %s is refused as unsupported', async (_, change) => {
    await expectRefused({ '000001.wal': headerWith(change) }, 'LEVEL_NOT_SUPPORTED')
  })

  test.each([
    ['the id of another segment', (header: Buffer) => header.writeBigUInt64LE(2n, SEGMENT_ID_AT)],
    ['an id that is no number', (header: Buffer) => header.writeBigUInt64LE(2n ** 63n, SEGMENT_ID_AT)],
    ['a first number of 0', (header: Buffer) => header.writeBigUInt64LE(0n, SEGMENT_FIRST_SEQUENCE_AT)],
    ['a first number that is none', (header: Buffer) => header.writeBigUInt64LE(2n ** 60n, SEGMENT_FIRST_SEQUENCE_AT)],
    ['a time that is none', (header: Buffer) => header.writeBigUInt64LE(2n ** 60n, SEGMENT_CREATED_AT)]
  ])('with %s is refused', async (_, change) => {
    await expectRefused({ '000001.wal': headerWith(change) }, 'LEVEL_CORRUPTION')
  })
})

describe('an envelope in a record, whose checksum holds,', () => {
  const sealing = { guard: NO_GUARD, mayOmitChecksum: false }
  const envelopes: Readonly<Record<string, readonly [Buffer, string]>> = {
    'that is no envelope': [Buffer.from([0xc7]), 'LEVEL_CORRUPTION'],
    'of LZ4 data of noise': [sealCompressed(LZ4, lz4Of(3000, noise(900)), 3000, sealing)!, 'LEVEL_CORRUPTION'],
    'of an LZ4 bomb': [sealCompressed(LZ4, lz4Of(1000, lz4Bomb(2 ** 28)), 1000, sealing)!, 'LEVEL_CORRUPTION'],
    'of a length that LZ4 cannot hold': [
      sealCompressed(LZ4, lz4Of(GIB, noise(900)), GIB, sealing)!,
      'LEVEL_CORRUPTION'
    ],
    'of Zstandard data that is none': [
      sealCompressed(
        ZSTD,
        zstdFrame([0, WINDOW_128_KIB], [{ type: 'compressed', size: 90, content: noise(90) }]),
        300,
        sealing
      )!,
      'LEVEL_CORRUPTION'
    ],
    'of a Zstandard bomb': [sealCompressed(ZSTD, zstdBomb(GIB), 1000, sealing)!, 'LEVEL_CORRUPTION'],
    'of codec 202, which nobody registered': [sealCompressed(202, noise(90), 300, sealing)!, 'LEVEL_NOT_SUPPORTED']
  }

  test.each(Object.entries(envelopes))('%s is a typed error to whoever reads it', async (_, [envelope, code]) => {
    const stored = putBytes('k2', envelope, RECORD_SEALED)
    const fs = diskWith({ '000001.wal': forgedSegment([good(1), { stored }, good(3)]) })
    const { wal } = await openLog(fs)
    await boundedMemory(async () => {
      await expect(wal.get(2)).rejects.toMatchObject({ code })
      await expect(linesOf(wal)).rejects.toMatchObject({ code })
    })
    expect(await wal.get(3)).toMatchObject({ sequence: 3 })
    await wal.close()
  })
})

async function expectRefused(files: Readonly<Record<string, Buffer>>, code: string): Promise<void> {
  const fs = diskWith(files)
  await expect(openLog(fs)).rejects.toMatchObject({ code })
  await expect(openLog(fs, { readOnly: true })).rejects.toMatchObject({ code })
  await expect(openLog(fs, { recovery: 'strict' })).rejects.toMatchObject({ code })
  expect(imageOf(filesOf(fs))).toEqual(imageOf(files))
  expect(fs.openHandles).toBe(0)
}

async function expectSkipped(frame: ForgedFrame): Promise<void> {
  const fs = diskWith({ '000001.wal': fileOf(frame) })
  const { wal, recovery } = await openLog(fs, { recovery: 'salvage' })
  const lines = (await linesOf(wal)).map(line => line.replace(/^\d+ /, ''))
  expect(lines.filter(line => !/^put k[13] v[13]$/.test(line))).toEqual([])
  expect(lines).toHaveLength(2)
  // A seal that counts wrong hides nothing: it may pass.
  if (frame.type !== FRAME_TYPE.seal && frame.type !== FRAME_TYPE.snapshotData)
    expect(recovery.corruption).not.toEqual([])
  await wal.close()
  expect(fs.openHandles).toBe(0)
}

function headerWith(change: (header: Buffer) => void): Buffer {
  const file = forgedSegment([good(1)])
  change(file)
  file.writeUInt32LE(crc32c(file.subarray(0, SEGMENT_CRC_AT)), SEGMENT_CRC_AT)
  return file
}

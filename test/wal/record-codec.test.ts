import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { CODEC_ID } from '../../src/codec/codec.js'
import { NO_GUARD } from '../../src/envelope/guard.js'
import { sealWithDictionary } from '../../src/envelope/seal.js'
import { type Codec, lz4, none, Record, registerCodec, zstd } from '../../src/index.js'
import { noise, text } from '../support/sample-values.js'
import { rejectedCode } from '../support/thrown-code.js'
import { deflate } from '../support/user-codecs.js'
import { fingerprint, fingerprints, keys, openLog, reopened } from './open-log.js'

const CODECS = ['none', 'lz4', 'zstd', none(), lz4(), zstd({ level: 9 }), deflate] as const
const VALUES = [Buffer.alloc(0), Buffer.from('x'), text(300), text(200_000), noise(300), noise(200_000)]

test.for(CODECS.map(codec => ({ codec, name: typeof codec === 'string' ? `'${codec}'` : codec.name })))(
  'a value that is compressed alone with $name comes back',
  async ({ codec }) => {
    const { wal, fs } = await openLog({ codec: 'none' })
    await Promise.all(VALUES.map(value => wal.append(Record.put('k', value, { codec }))))
    const check = async (log: typeof wal) => {
      expect(await fingerprints(log.read())).toEqual(VALUES.map(fingerprint))
      for (const [i, value] of VALUES.entries())
        expect(fingerprint((await log.get(i + 1)).value)).toBe(fingerprint(value))
    }
    await check(wal)
    await check((await reopened(wal, { fs })).wal)
  }
)

test('it takes fewer bytes in a log that compresses nothing', async () => {
  const sizes: number[] = []
  for (const codec of [undefined, 'none', 'lz4', 'zstd', deflate] as const) {
    const { wal } = await openLog({ codec: 'none' })
    await wal.append(Record.put('k', text(10_000), { codec }))
    sizes.push(wal.stats().bytes)
  }
  const [plain, raw, ...compressed] = sizes
  expect(raw).toBeGreaterThan(plain!) // In an envelope.
  for (const bytes of compressed) expect(bytes).toBeLessThan(plain! / 10)
})

test('a codec that throws rejects its record and no other', async () => {
  const wrong = new Error('no')
  const throwing: Codec = {
    id: 210,
    name: 'throwing',
    compress: () => Promise.reject(wrong),
    compressSync: () => {
      throw wrong
    },
    decompress: async data => data
  }
  registerCodec(throwing)
  const { wal } = await openLog()
  const outcomes = await Promise.allSettled([
    wal.append(Record.put('before', 'v')),
    wal.append(Record.put('k', text(100), { codec: throwing })),
    wal.appendBatch([Record.put('a', 'v'), Record.put('b', text(100), { codec: throwing })]),
    wal.append(Record.put('after', 'v'))
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
  expect(outcomes[1]).toEqual({ status: 'rejected', reason: wrong })
  expect(await keys(wal.read())).toEqual(['before', 'after'])
})

test('a codec that restores only off the calling thread is enough to read', async () => {
  const codec: Codec = {
    id: 218,
    name: 'restores later',
    compress: async data => deflateRawSync(data),
    compressSync: data => deflateRawSync(data),
    decompress: async data => inflateRawSync(data)
  }
  registerCodec(codec)
  const { wal } = await openLog()
  for (const value of VALUES) await wal.append(Record.put('k', value, { codec }))
  expect(await fingerprints(wal.read())).toEqual(VALUES.map(fingerprint))
  for (const [i, value] of VALUES.entries()) expect(fingerprint((await wal.get(i + 1)).value)).toBe(fingerprint(value))
})

test('a value that a store compressed with a dictionary says where it can be read', async () => {
  const { wal } = await openLog()
  const compressed = deflateRawSync(text(100))
  const value = sealWithDictionary(CODEC_ID.zstd, compressed, 100, 7, { guard: NO_GUARD, mayOmitChecksum: false })
  await wal.append({ ...Record.put('k', value), sealed: true })
  await expect(wal.get(1)).rejects.toMatchObject({
    code: 'LEVEL_NOT_SUPPORTED',
    message: expect.stringContaining("read the log through the store's wal")
  })
})

test('a codec without compressSync, or one that nobody could read again, is refused', async () => {
  const asyncOnly: Codec = { id: 211, name: 'async', compress: async data => data, decompress: async data => data }
  registerCodec(asyncOnly)
  const { wal } = await openLog()
  const append = (codec: Codec) => rejectedCode(wal.append(Record.put('k', 'v', { codec })))
  expect(await append(asyncOnly)).toBe('LEVEL_NOT_SUPPORTED')
  await expect(wal.append(Record.put('k', 'v', { codec: asyncOnly }))).rejects.toThrow("'async' has no compressSync")
  expect(await append({ ...deflate, id: 212 })).toBe('LEVEL_NOT_SUPPORTED')
  expect(await append('snappy' as never)).toBe('CKV_INVALID_OPTION')
  expect(await append({} as Codec)).toBe('CKV_INVALID_OPTION')
  expect(wal.nextSequence).toBe(1)
})

import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { type Codec, lz4, Record, registerCodec, zstd } from '../../src/index.js'
import { noise, text } from '../support/sample-values.js'
import { rejectedCode } from '../support/thrown-code.js'
import { deflate } from '../support/user-codecs.js'
import { fingerprint, fingerprints, openLog, reopened } from './open-log.js'

const asyncOnly: Codec = {
  id: 213,
  name: 'async only',
  compress: async data => deflateRawSync(data),
  decompress: async data => inflateRawSync(data)
}
registerCodec(asyncOnly)

function codecThat(id: number, compress: (data: Uint8Array) => Uint8Array): Codec {
  const codec: Codec = {
    id,
    name: `codec ${id}`,
    compress: async data => compress(data),
    compressSync: compress,
    decompress: async () => Promise.reject(new Error('Nothing was compressed with this'))
  }
  registerCodec(codec)
  return codec
}

/** One frame of each kind: small, as large as several blocks, incompressible. */
const VALUES = [Buffer.from('x'), text(1000), text(20_000), text(500_000), noise(30_000)]

test.for<{ name: string; codec: Codec | 'none' | 'lz4' | 'zstd' }>([
  { name: "'none'", codec: 'none' },
  { name: "'lz4'", codec: 'lz4' },
  { name: "'zstd'", codec: 'zstd' },
  { name: 'lz4()', codec: lz4() },
  { name: 'zstd({ level: 1 })', codec: zstd({ level: 1 }) },
  { name: "a codec of a user's own", codec: deflate },
  { name: 'one that has only compress()', codec: asyncOnly }
])('a log compressed with $name is read back', async ({ codec }) => {
  const { wal, fs } = await openLog({ codec })
  for (const value of VALUES) await wal.append(Record.put('k', value))
  await Promise.all(VALUES.map(value => wal.append(Record.put('k', value))))
  const expected = [...VALUES, ...VALUES]
  const check = async (log: typeof wal) => {
    expect(await fingerprints(log.read())).toEqual(expected.map(fingerprint))
    for (const [i, value] of expected.entries())
      expect(fingerprint((await log.get(i + 1)).value)).toBe(fingerprint(value))
  }
  await check(wal)
  await check((await reopened(wal, { fs })).wal)
})

test.for([{ codec: 'lz4' }, { codec: 'zstd' }, { codec: deflate }, { codec: asyncOnly }] as const)(
  'text takes a tenth of its bytes, noise hardly more than its own ($codec)',
  async ({ codec }) => {
    const { wal } = await openLog({ codec })
    await wal.append(Record.put('k', text(100_000)))
    const { bytes, rawBytes } = wal.stats()
    expect(bytes).toBeLessThan(rawBytes / 10)
    await wal.append(Record.put('k', noise(100_000)))
    expect(wal.stats().bytes - bytes).toBe(wal.stats().rawBytes - rawBytes + 48)
  }
)

test('one log may have frames of several codecs', async () => {
  let { wal, fs } = await openLog({ codec: 'lz4' })
  for (const codec of ['lz4', 'zstd', 'none', deflate] as const) {
    ;({ wal, fs } = await reopened(wal, { fs, codec }))
    await wal.append(Record.put('k', text(5000)))
  }
  expect(await fingerprints(wal.read())).toEqual(Array.from({ length: 4 }, () => fingerprint(text(5000))))
})

test.for([
  { name: 'throws', id: 214, compress: () => raise() },
  { name: 'returns no bytes', id: 215, compress: () => undefined as unknown as Uint8Array },
  { name: 'makes it larger', id: 216, compress: (data: Uint8Array) => Buffer.concat([data, data]) }
])('where a codec $name the block is stored as it is', async ({ id, compress }) => {
  const { wal, fs } = await openLog({ codec: codecThat(id, compress) })
  for (const bytes of [100, 50_000]) await wal.append(Record.put('k', text(bytes)))
  const check = async (log: typeof wal) =>
    expect(await fingerprints(log.read())).toEqual([text(100), text(50_000)].map(fingerprint))
  await check(wal)
  await check((await reopened(wal, { fs, codec: 'none' })).wal)
})

test('a codec that nobody could read again is refused before anything is made', async () => {
  expect(await rejectedCode(openLog({ codec: { ...deflate, id: 217 } }))).toBe('LEVEL_NOT_SUPPORTED')
})

function raise(): never {
  throw new Error('no')
}

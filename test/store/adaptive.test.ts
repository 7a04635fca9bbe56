import { Level } from 'level'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  adaptive,
  type AdaptiveOptions,
  type Codec,
  CompressedKvStore,
  lz4,
  NO_GUARD,
  openEnvelope
} from '../../src/index.js'
import { gaussian } from '../codec/tensor/tensor-values.js'
import { memory, openStore, storedValue, type StoreOptions } from '../support/memory-store.js'
import { noise, text } from '../support/sample-values.js'
import { seededRandom } from '../support/seeded-random.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { thrownCode } from '../support/thrown-code.js'

/** Records with names that repeat and numbers that do not. */
function json(length: number): Buffer {
  const random = seededRandom(1)
  let lines = ''
  while (lines.length < length) lines += `{"id":${random()},"name":"${random().toString(36)}","price":${random()}}\n`
  return Buffer.from(lines.slice(0, length))
}

const base64 = (length: number) => Buffer.from(noise(length).toString('base64')).subarray(0, length)

/** What the values were stored with, and why some are raw. */
async function stored(options: StoreOptions, values: Readonly<Record<string, Buffer>>) {
  const { store } = await openStore(options)
  for (const [key, value] of Object.entries(values)) await store.put(key, value)
  for (const [key, value] of Object.entries(values)) expect((await store.get(key))?.equals(value)).toBe(true)
  const { written, raw, lastCodecError } = store.stats()
  expect(lastCodecError).toBeUndefined()
  await store.close()
  return {
    codecs: Object.fromEntries(Object.entries(written.byCodec).map(([name, { values: count }]) => [name, count])),
    reasons: Object.fromEntries(Object.entries(raw).filter(([, count]) => count > 0))
  }
}

const storedWith = async (value: Buffer, options: AdaptiveOptions = {}) => {
  const { codecs, reasons } = await stored({ codec: adaptive(options) }, { k: value })
  return [...Object.keys(codecs), ...Object.keys(reasons)].join(': ')
}

function codecIdOf(envelope: Buffer): number {
  return openEnvelope(envelope, NO_GUARD, 1e9).codecId
}

async function zstdBytes(level: number): Promise<number> {
  const { store } = await openStore({ codec: adaptive({ level }) })
  await store.put('k', json(50_000))
  return store.stats().written.byCodec['zstd']!.bytesStored
}

afterEach(() => void vi.restoreAllMocks())

describe('adaptive()', () => {
  it.each([
    ['JSON', json(5000), 'zstd'],
    ['large JSON', json(200_000), 'zstd'],
    ['small JSON', json(1500), 'lz4'],
    ['what has few byte values and no repeats', base64(5000), 'zstd'],
    ['such, though small', base64(1500), 'zstd'],
    ['bf16 that nobody said to be a tensor', gaussian('bf16', 100_000), 'zstd'],
    ['what hardly does anything but repeat itself', text(20_000), 'lz4'],
    ['zeros', Buffer.alloc(20_000), 'lz4'],
    ['noise', noise(5000), 'none: looksIncompressible'],
    ['small noise', noise(1024), 'none: looksIncompressible'],
    ['large noise', noise(200_000), 'none: looksIncompressible'],
    ['f32', gaussian('f32', 100_000), 'none: looksIncompressible'],
    ['noise in which something repeats', Buffer.concat([noise(2000), text(2000), noise(2000, 2)]), 'zstd'],
    ['what is not worth a look', json(1023), 'none: belowMinSize'],
    ['nothing', Buffer.alloc(0), 'none: belowMinSize']
  ])('writes %s so that it pays', async (_, value, expected) => {
    expect(await storedWith(value)).toBe(expected)
  })

  it('spends no codec on what looks incompressible', async () => {
    const compress = vi.spyOn(lz4() as Required<Codec>, 'compress')
    const compressSync = vi.spyOn(lz4() as Required<Codec>, 'compressSync')
    await storedWith(noise(5000))
    await storedWith(noise(200_000))
    expect(compress).not.toHaveBeenCalled()
    expect(compressSync).not.toHaveBeenCalled()
  })

  it('calls small what smallSize says', async () => {
    expect(await storedWith(json(1500), { smallSize: 0 })).toBe('zstd')
    expect(await storedWith(json(1500), { smallSize: 1500 })).toBe('zstd')
    expect(await storedWith(json(5000), { smallSize: 5001 })).toBe('lz4')
    expect(await storedWith(json(5000), { smallSize: Infinity })).toBe('lz4')
  })

  it('uses Zstandard of the level that it is given', async () => {
    expect(await zstdBytes(19)).toBeLessThan(await zstdBytes(1))
  })

  it('writes tensors, where it is told that a key has one, and only there', async () => {
    const codec = adaptive({
      tensors: [
        { prefix: 'kv:', dtype: 'bf16' },
        { sublevel: 'half', dtype: 'f16', codec: 'zstd' },
        { prefix: Buffer.from('kv'), dtype: 'f32' }
      ]
    })
    const { codecs } = await stored(
      { codec },
      {
        'kv:1': gaussian('bf16', 100_000),
        '!half!1': gaussian('f16', 100_000),
        kv2: gaussian('f32', 100_000),
        'a:kv:1': gaussian('bf16', 100_000)
      }
    )
    expect(codecs).toEqual({ 'tensor-bf16': 1, 'tensor-f16': 1, 'tensor-f32': 1, zstd: 1 })
  })

  it('is a codec for a rule and for a call', async () => {
    const rules = [{ prefix: 'a', codec: adaptive() }, { codec: 'none' as const }]
    const { codecs, reasons } = await stored({ codec: rules }, { a: json(5000), aa: noise(5000), b: json(5000) })
    expect(codecs).toEqual({ zstd: 1, none: 2 })
    expect(reasons).toEqual({ looksIncompressible: 1, codecNone: 1 })

    const { store } = await openStore({ codec: 'none' })
    await store.put('a', json(5000), { codec: adaptive() })
    await store.batch([{ type: 'put', key: 'b', value: noise(5000), codec: adaptive() }])
    await store.batch([{ type: 'put', key: 'c', value: json(1500) }], { codec: adaptive() })
    expect(Object.keys(store.stats().written.byCodec).sort()).toEqual(['lz4', 'none', 'zstd'])
    expect(store.stats().raw.looksIncompressible).toBe(1)
  })

  it('chooses the same over LevelDB, where LZ4 is left to Snappy below 4 KiB', async () => {
    const level = new Level<string, Buffer>(temporaryDirectory(), { valueEncoding: 'buffer' })
    const store = new CompressedKvStore<string, Buffer>(level, { codec: adaptive(), valueEncoding: 'buffer' })
    const values = { json: json(5000), small: json(1500), repeating: text(4095), large: text(4096), noise: noise(5000) }
    for (const [key, value] of Object.entries(values)) await store.put(key, value)
    await store.flush()
    const { written, raw } = store.stats()
    expect(written.byCodec).toMatchObject({ zstd: { values: 1 }, lz4: { values: 1 }, none: { values: 3 } })
    expect(raw).toMatchObject({ belowMinSize: 2, looksIncompressible: 1, incompressible: 0, codecNone: 0 })
    for (const [key, value] of Object.entries(values)) expect((await store.get(key))?.equals(value)).toBe(true)
    await store.close()
  })

  it('makes of old values what it makes of new ones, in a sweep', async () => {
    const backend = memory()
    const before = new CompressedKvStore(backend, { codec: 'none' })
    const values = {
      json: json(5000),
      small: json(1500),
      tiny: json(900),
      noise: noise(5000),
      'kv:1': gaussian('bf16', 9000)
    }
    for (const [key, value] of Object.entries(values)) await before.put(key, value)
    await before.put('lz4', json(5000), { codec: 'lz4' })
    await before.close()
    const { store } = await openStore({ codec: adaptive({ tensors: [{ prefix: 'kv:', dtype: 'bf16' }] }) }, backend)
    expect(await store.gc.run()).toMatchObject({ scanned: 6, recompressed: 3, probed: 0, failed: 0 })
    const codecs: Record<string, number> = {}
    for (const key of [...Object.keys(values), 'lz4']) codecs[key] = codecIdOf(await storedValue(backend, key))
    expect(codecs).toEqual({ json: 2, small: 1, tiny: 0, noise: 0, 'kv:1': 3, lz4: 1 })
    expect(await store.gc.run()).toMatchObject({ recompressed: 0, probed: 0, failed: 0 })
    for (const [key, value] of Object.entries(values)) expect((await store.get(key))?.equals(value)).toBe(true)
    await store.close()
  })

  it('does not open a store where what it may choose does not load', async () => {
    const missing = new Error('no binary for this platform')
    vi.spyOn(lz4() as Required<Codec>, 'load').mockImplementation(() => {
      throw missing
    })
    for (const codec of [adaptive(), [{ codec: adaptive() }]]) {
      await expect(openStore({ codec })).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN', cause: missing })
    }
  })

  it.each([
    ['null', null],
    ['text', 'lz4'],
    ['a level that is none', { level: 23 }],
    ['half a byte', { smallSize: 0.5 }],
    ['a negative size', { smallSize: -1 }],
    ['tensors that are no list', { tensors: { prefix: 'a', dtype: 'bf16' } }],
    ['tensors of nothing', { tensors: [undefined] }],
    ['tensors of no dtype', { tensors: [{ prefix: 'a' }] }],
    ['tensors of an unknown dtype', { tensors: [{ prefix: 'a', dtype: 'fp8' }] }],
    ['tensors with both a prefix and a sublevel', { tensors: [{ prefix: 'a', sublevel: 'b', dtype: 'bf16' }] }],
    ['tensors with a prefix that is no bytes', { tensors: [{ prefix: 5, dtype: 'bf16' }] }]
  ])('refuses %s', (_, options) => {
    expect(thrownCode(() => adaptive(options as AdaptiveOptions))).toBe('CKV_INVALID_OPTION')
  })
})

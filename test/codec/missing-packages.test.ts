import { readdirSync, statSync } from 'node:fs'
import type * as Module from 'node:module'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { tensor } from '../../src/codec/tensor/tensor.js'
import { zstd } from '../../src/codec/zstd/zstd.js'
import { codecUnavailable } from '../../src/errors.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

afterEach(() => {
  vi.doUnmock('node:module')
  vi.resetModules()
})

/** From here on, modules imported anew cannot require `missing`. */
function withoutPackages(...missing: string[]): void {
  vi.resetModules()
  vi.doMock('node:module', async importOriginal => {
    const { createRequire } = await importOriginal<typeof Module>()
    return {
      default: {
        createRequire: (from: string | URL) => {
          const require = createRequire(from)
          const guarded = (name: string): unknown => {
            if (missing.includes(name)) throw new Error(`Cannot find module '${name}'`)
            return require(name)
          }
          const resolve = (name: string): string => {
            if (missing.includes(name)) throw new Error(`Cannot find module '${name}'`)
            return require.resolve(name)
          }
          return Object.assign(guarded, { resolve, cache: require.cache })
        }
      }
    }
  })
}

describe('without lz4-napi', () => {
  test('the codec is made, and says what is missing when it is loaded or used', async () => {
    withoutPackages('lz4-napi')
    const { lz4 } = await import('../../src/codec/lz4/lz4.js')
    const codec = lz4()
    for (const use of [() => codec.load!(), () => codec.compressSync!(text(100_000))]) {
      expect(use).toThrow(expect.objectContaining({ code: 'CKV_CODEC_UNAVAILABLE' }))
      expect(use).toThrow(/LZ4 compression needs the package 'lz4-napi'.*npm install lz4-napi/)
      expect(use).toThrow(`${process.platform}-${process.arch}`)
      expect(use).toThrow(expect.objectContaining({ cause: new Error("Cannot find module 'lz4-napi'") }))
    }
  })

  test('a tensor with LZ4 inside says so as well', async () => {
    withoutPackages('lz4-napi')
    const without = (await import('../../src/codec/tensor/tensor.js')).tensor({ dtype: 'i8', codec: 'lz4' })
    const unavailable = { code: 'CKV_CODEC_UNAVAILABLE' }
    expect(() => without.load!()).toThrow(expect.objectContaining(unavailable))
    await expect(without.compress(text(1_000_000))).rejects.toMatchObject(unavailable)
  })

  test('small values that were compressed with LZ4 can be read', async () => {
    withoutPackages('lz4-napi')
    const value = text(1000)
    const { lz4 } = await import('../../src/codec/lz4/lz4.js')
    expect(lz4().decompressSync!(lz4().compressSync!(value), 1000)).toEqual(value)
  })

  test('a log opens and stores blocks as they are, unless lz4 was named', async () => {
    withoutPackages('lz4-napi')
    const { Record, Wal } = await import('../../src/index.js')
    const dir = temporaryDirectory()
    await expect(Wal.open({ dir, codec: 'lz4' })).rejects.toMatchObject({ code: 'CKV_CODEC_UNAVAILABLE' })
    const { wal } = await Wal.open({ dir })
    const values = Array.from({ length: 50 }, () => text(20_000))
    await Promise.all(values.map((value, i) => wal.append(Record.put(`${i}`, value))))
    expect((await wal.get(7)).value).toEqual(values[6])
    await wal.close()
    const stored = readdirSync(dir).reduce((bytes, name) => bytes + statSync(join(dir, name)).size, 0)
    expect(stored).toBeGreaterThan(50 * 20_000)
  })

  test('the other codecs work', async () => {
    withoutPackages('lz4-napi')
    const { codecForReading } = await import('../../src/codec/registry.js')
    const codec = codecForReading(2)
    expect(codec.decompressSync!(codec.compressSync!(text(100)), 100)).toEqual(text(100))
  })
})

test('without @bokuweb/zstd-wasm, Zstandard says so when it is loaded', async () => {
  withoutPackages('@bokuweb/zstd-wasm')
  const codec = (await import('../../src/codec/zstd/zstd.js')).zstd()
  expect(() => codec.load!()).toThrow(expect.objectContaining({ code: 'CKV_CODEC_UNAVAILABLE' }))
  expect(() => codec.load!()).toThrow(/'@bokuweb\/zstd-wasm'.*npm install/)
})

test('without @bokuweb/zstd-wasm, a tensor that is read says so as well', async () => {
  const stored = tensor({ dtype: 'i8' }).compressSync!(text(1000))
  withoutPackages('@bokuweb/zstd-wasm')
  const { tensor: without } = await import('../../src/codec/tensor/tensor.js')
  expect(() => without({ dtype: 'i8' }).decompressSync!(stored, 1000)).toThrow(/'@bokuweb\/zstd-wasm'.*npm install/)
})

test('without @mongodb-js/zstd, Zstandard works and reads and writes the same', async () => {
  withoutPackages('@mongodb-js/zstd/bindings')
  const { loadMongodbEngine } = await import('../../src/codec/zstd/zstd-mongodb.js')
  expect(loadMongodbEngine()).toBeUndefined()

  const alone = (await import('../../src/codec/zstd/zstd.js')).zstd()
  const value = text(50_000)
  alone.load!()
  expect(value.equals(await alone.decompress(await zstd().compress(value), value.length))).toBe(true)
  expect(value.equals(await zstd().decompress(await alone.compress(value), value.length))).toBe(true)
})

test('where Node.js loads no addons, the error says so, instead of asking for a package that is there', () => {
  const refused = Object.assign(new Error('loading addons is disabled'), { code: 'ERR_DLOPEN_DISABLED' })
  for (const cause of [refused, new Error('Cannot find native binding', { cause: refused })]) {
    const { message } = codecUnavailable('LZ4 compression', 'lz4-napi', cause)
    expect(message).toContain('--no-addons')
    expect(message).not.toContain('npm install')
  }
})

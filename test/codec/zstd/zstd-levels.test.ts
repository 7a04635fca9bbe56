import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { zstd, ZSTD_DEFAULT_LEVEL } from '../../../src/codec/zstd/zstd.js'
import { thrownCode } from '../../support/thrown-code.js'

const README = readFileSync(new URL('../../../node_modules/abstract-level/README.md', import.meta.url))

describe('the level', () => {
  test.each([
    { thread: 'on', size: async (level: number) => zstd({ level }).compressSync!(README).length },
    { thread: 'off', size: async (level: number) => (await zstd({ level }).compress(README)).length }
  ])('is honoured $thread the thread: the higher, the smaller', async ({ size }) => {
    const sizes = [await size(1), await size(3), await size(19)]
    expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => b - a))
  })

  test('means much the same on the thread and off it', async () => {
    for (const level of [1, 3, 19]) {
      const on = zstd({ level }).compressSync!(README).length
      const off = (await zstd({ level }).compress(README)).length
      expect(Math.abs(on - off) / on, `level ${level}`).toBeLessThan(0.05)
    }
  })

  test('is the effort that a probe records', () => {
    expect(zstd({ level: 19 }).effort).toBe(19)
    expect(zstd().effort).toBe(ZSTD_DEFAULT_LEVEL)
    expect(ZSTD_DEFAULT_LEVEL).toBe(3)
  })

  test.each([0, -1, 23, 1.5, '3', Number.NaN, Infinity, null, true])('cannot be %s', level => {
    expect(thrownCode(() => zstd({ level: level as number }))).toBe('CKV_INVALID_OPTION')
  })

  test.each([1, 19, 22])('%i writes what the default level reads, and the other way round', async level => {
    const value = README.subarray(0, 20_000)
    const codec = zstd({ level })
    for (const [writer, reader] of [
      [codec, zstd()],
      [zstd(), codec]
    ] as const) {
      expect(value.equals(reader.decompressSync!(await writer.compress(value), value.length))).toBe(true)
      expect(value.equals(await reader.decompress(writer.compressSync!(value), value.length))).toBe(true)
    }
  })

  test('22, whose frames ask for a window of 128 MiB, restores a large value', async () => {
    const value = Buffer.concat(Array.from({ length: 12 }, () => README))
    const codec = zstd({ level: 22 })
    const compressed = await codec.compress(value)
    expect(value.equals(await codec.decompress(compressed, value.length))).toBe(true)
    expect(value.equals(codec.decompressSync!(compressed, value.length))).toBe(true)
  })
})

test('a zstd() in every call shares what is kept for a codec, such as the tables of dictionaries', () => {
  for (const level of [1, 3, 22]) expect(zstd({ level })).toBe(zstd({ level }))
  expect(zstd()).toBe(zstd({ level: 3 }))
  expect(zstd({ level: 4 })).not.toBe(zstd())
})

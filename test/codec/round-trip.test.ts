import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lz4 } from '../../src/codec/lz4/lz4.js'
import { none } from '../../src/codec/none.js'
import { zstd } from '../../src/codec/zstd/zstd.js'
import { noise, text } from '../support/sample-values.js'

const LARGE = [64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 1024 * 1024]

describe.each([lz4(), zstd(), zstd({ level: 1 }), none()])('$name, effort $effort', codec => {
  test('restores every size from 0 to 300, on and off the thread', async () => {
    for (let size = 0; size <= 300; size++) {
      for (const value of [text(size), noise(size)]) {
        const compressed = codec.compressSync!(value)
        expect(value.equals(codec.decompressSync!(compressed, size)), `${size} bytes`).toBe(true)
        expect(value.equals(await codec.decompress(await codec.compress(value), size)), `${size} bytes`).toBe(true)
      }
    }
  })

  test.each(LARGE)('restores %i bytes', async size => {
    for (const value of [text(size), noise(size), Buffer.alloc(size)]) {
      expect(value.equals(codec.decompressSync!(codec.compressSync!(value), size))).toBe(true)
      expect(value.equals(await codec.decompress(await codec.compress(value), size))).toBe(true)
    }
  })

  test('what one thread wrote, the other reads', async () => {
    for (const size of [0, 1, 300, ...LARGE]) {
      for (const value of [text(size), noise(size)]) {
        expect(value.equals(codec.decompressSync!(await codec.compress(value), size)), `${size} bytes`).toBe(true)
        expect(value.equals(await codec.decompress(codec.compressSync!(value), size)), `${size} bytes`).toBe(true)
      }
    }
  })

  test('restores any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async bytes => {
        const value = Buffer.from(bytes)
        expect(value.equals(codec.decompressSync!(await codec.compress(value), value.length))).toBe(true)
        expect(value.equals(await codec.decompress(codec.compressSync!(value), value.length))).toBe(true)
      })
    )
  })

  test('leaves its input alone', async () => {
    const value = text(5000)
    const before = Buffer.from(value)
    const compressed = codec.compressSync!(value)
    const compressedBefore = Buffer.from(compressed)
    await codec.compress(value)
    codec.decompressSync!(compressed, value.length)
    await codec.decompress(compressed, value.length)
    expect(value).toEqual(before)
    expect(Buffer.from(compressed)).toEqual(compressedBefore)
  })

  test('many calls at once keep their values apart', async () => {
    const values = Array.from({ length: 50 }, (_, i) => noise(20 + i * 37, i + 1))
    const compressed = await Promise.all(values.map(value => codec.compress(value)))
    const restored = await Promise.all(compressed.map((bytes, i) => codec.decompress(bytes, values[i]!.length)))
    expect(restored.map((value, i) => values[i]!.equals(value))).toEqual(values.map(() => true))
  })
})

test.each([lz4(), zstd()])('$name makes text smaller and noise hardly larger', codec => {
  expect(codec.compressSync!(text(10_000)).length).toBeLessThan(500)
  expect(codec.compressSync!(noise(10_000)).length).toBeLessThan(10_100)
})

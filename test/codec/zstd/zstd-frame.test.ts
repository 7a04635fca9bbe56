import { describe, expect, test } from 'vitest'
import { MAX_BLOCK_BYTES } from '../../../src/codec/zstd-format/zstd-codes.js'
import { measureFrame } from '../../../src/codec/zstd/zstd-frame.js'
import { zstd } from '../../../src/codec/zstd/zstd.js'
import { noise, text } from '../../support/sample-values.js'
import { thrownCode } from '../../support/thrown-code.js'
import { frame, rawBlock, rleBlock, WINDOW_128_KIB } from './zstd-parts.js'

const abc = Buffer.from('abc')

function codeOf(bytes: Uint8Array) {
  return thrownCode(() => measureFrame(bytes))
}

function windowOf(descriptor: number): number {
  return measureFrame(frame([0x00, descriptor], [rawBlock(abc)])).windowBytes
}

describe('measures', () => {
  test.each([
    { field: 'no content size', header: [0x00, WINDOW_128_KIB], contentSize: undefined },
    { field: 'a content size of 1 byte', header: [0x20, 0xfe], contentSize: 0xfe },
    { field: 'a content size of 2 bytes, which counts from 256', header: [0x60, 0x01, 0x02], contentSize: 0x201 + 256 },
    { field: 'a content size of 4 bytes', header: [0xa0, 1, 2, 3, 0xff], contentSize: 0xff030201 },
    {
      field: 'a content size of 8 bytes',
      header: [0xc0, WINDOW_128_KIB, 1, 0, 0, 0, 2, 0, 0, 0],
      contentSize: 2 * 2 ** 32 + 1
    },
    { field: 'a dictionary id of 1 byte', header: [0x21, 0x77, 9], contentSize: 9 },
    { field: 'a dictionary id of 2 bytes', header: [0x22, 0x77, 0x77, 9], contentSize: 9 },
    { field: 'a dictionary id of 4 bytes', header: [0x23, 0x77, 0x77, 0x77, 0x77, 9], contentSize: 9 }
  ])('a frame with $field', ({ header, contentSize }) => {
    expect(measureFrame(frame(header, [rawBlock(abc)]))).toMatchObject({ contentSize, outputBound: 3 })
  })

  test('the window by its exponent and mantissa', () => {
    expect(windowOf(0)).toBe(1024)
    expect(windowOf(1)).toBe(1024 + 128)
    expect(windowOf(WINDOW_128_KIB)).toBe(128 * 1024)
    expect(windowOf(0xff)).toBe(2 ** 41 + 7 * 2 ** 38)
  })

  test('the content size as the window of a single segment', () => {
    expect(measureFrame(frame([0x20, 200], [rawBlock(abc)])).windowBytes).toBe(200)
  })

  test('raw and RLE blocks by their size, compressed ones by the largest a block may be', () => {
    const blocks = [
      rawBlock(abc),
      rleBlock(1000),
      { type: 'compressed', size: 2, content: Buffer.alloc(2) } as const,
      rleBlock(MAX_BLOCK_BYTES)
    ]
    expect(measureFrame(frame([0, 0], blocks)).outputBound).toBe(3 + 1000 + 2 * MAX_BLOCK_BYTES)
  })

  test('a frame with a checksum behind it', () => {
    expect(measureFrame(frame([0x24, 3], [rawBlock(abc)], true)).contentSize).toBe(3)
  })

  test('a frame that stands inside a larger buffer', () => {
    const padded = Buffer.concat([Buffer.alloc(5), frame([0x60, 0, 0], [rleBlock(256)]), Buffer.alloc(5)])
    expect(measureFrame(padded.subarray(5, -5))).toEqual({ contentSize: 256, outputBound: 256, windowBytes: 256 })
  })

  test('frames of real codecs: the bound holds the value', async () => {
    for (const size of [0, 1, 255, 256, 65_536, 300_000]) {
      for (const value of [text(size), noise(size)]) {
        for (const bytes of [zstd().compressSync!(value), await zstd().compress(value)]) {
          const { contentSize, outputBound } = measureFrame(bytes)
          expect([undefined, size]).toContain(contentSize)
          expect(outputBound).toBeGreaterThanOrEqual(size)
        }
      }
    }
  })
})

describe('refuses', () => {
  test('a frame cut at every byte', async () => {
    const frames = [
      frame([0xe7, 1, 2, 3, 4, 1, 0, 0, 0, 0, 0, 0, 0], [rawBlock(abc), rleBlock(70), rawBlock(abc)], true),
      frame([0x00, WINDOW_128_KIB], [rleBlock(70), rawBlock(abc)]),
      zstd().compressSync!(text(2000)),
      await zstd().compress(noise(300))
    ]
    for (const whole of frames) {
      measureFrame(whole)
      for (let length = 0; length < whole.length; length++) {
        expect(codeOf(whole.subarray(0, length)), `${length} of ${whole.length} bytes`).toBe('LEVEL_CORRUPTION')
      }
    }
  })

  test('another magic number, in any of its bits', () => {
    const whole = frame([0x20, 3], [rawBlock(abc)])
    for (let bit = 0; bit < 32; bit++) {
      const changed = Buffer.from(whole)
      changed[bit >>> 3]! ^= 1 << (bit & 7)
      expect(codeOf(changed), `bit ${bit}`).toBe('LEVEL_CORRUPTION')
    }
  })

  test('a skippable frame, alone or before another', () => {
    const skippable = Buffer.from('502a4d1803000000616263', 'hex')
    expect(codeOf(skippable)).toBe('LEVEL_CORRUPTION')
    expect(codeOf(Buffer.concat([skippable, frame([0x20, 3], [rawBlock(abc)])]))).toBe('LEVEL_CORRUPTION')
  })

  test('two frames, and a frame with bytes behind it', () => {
    const whole = frame([0x20, 3], [rawBlock(abc)])
    expect(codeOf(Buffer.concat([whole, whole]))).toBe('LEVEL_CORRUPTION')
    expect(codeOf(Buffer.concat([whole, Buffer.of(0)]))).toBe('LEVEL_CORRUPTION')
  })

  test('the reserved bit of the descriptor', () => {
    expect(codeOf(frame([0x28, 3], [rawBlock(abc)]))).toBe('LEVEL_CORRUPTION')
  })

  test('a block of the reserved type', () => {
    expect(codeOf(frame([0x20, 3], [{ type: 'reserved', size: 3, content: abc }]))).toBe('LEVEL_CORRUPTION')
  })

  test('a block above 128 KiB', () => {
    expect(codeOf(frame([0, WINDOW_128_KIB], [rleBlock(MAX_BLOCK_BYTES + 1)]))).toBe('LEVEL_CORRUPTION')
    expect(codeOf(frame([0, WINDOW_128_KIB], [rawBlock(Buffer.alloc(MAX_BLOCK_BYTES + 1))]))).toBe('LEVEL_CORRUPTION')
  })

  test('a frame without a last block', () => {
    const whole = frame([0x20, 3], [rawBlock(abc)])
    whole[6]! &= ~1
    expect(codeOf(whole)).toBe('LEVEL_CORRUPTION')
  })
})

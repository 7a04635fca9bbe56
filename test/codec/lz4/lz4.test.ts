import { describe, expect, test } from 'vitest'
import { lz4 } from '../../../src/codec/lz4/lz4.js'
import { noise, text } from '../../support/sample-values.js'
import { rejectedCode, thrownCode } from '../../support/thrown-code.js'

const codec = lz4()

/** LZ4 data as lz4-napi writes it, with a size of our choice in front. */
function claiming(size: number, block: Uint8Array): Buffer {
  const out = Buffer.alloc(4 + block.length)
  out.writeUInt32LE(size)
  out.set(block, 4)
  return out
}

/** The codes of the refusals on and off the thread, if they are one. */
async function refusal(data: Buffer, rawLength: number) {
  const on = thrownCode(() => codec.decompressSync!(data, rawLength))
  const off = await rejectedCode(codec.decompress(data, rawLength))
  return on === off ? on : [on, off]
}

test('its form is a little-endian size and one LZ4 block', () => {
  expect(Buffer.from(codec.compressSync!(Buffer.from('abc'))).toString('hex')).toBe('0300000030616263')
})

describe('refuses, before it takes memory,', () => {
  const block = Buffer.from(codec.compressSync!(text(1000))).subarray(4)

  test('data too short for a size', async () => {
    for (let length = 0; length < 4; length++) expect(await refusal(Buffer.alloc(length), 0)).toBe('LEVEL_CORRUPTION')
  })

  test.each([0xffffffff, 0x80000000, 1001, 999, 0])('a size of %i where the envelope says 1000', async size => {
    expect(await refusal(claiming(size, block), 1000)).toBe('LEVEL_CORRUPTION')
  })

  test('a right size where the envelope says another', async () => {
    expect(await refusal(claiming(1000, block), 0xffffffff)).toBe('LEVEL_CORRUPTION')
    expect(await refusal(claiming(1000, block), 999)).toBe('LEVEL_CORRUPTION')
  })

  test('a size that is more than 255 times the block', async () => {
    expect(await refusal(claiming(0xffffffff, block), 0xffffffff)).toBe('LEVEL_CORRUPTION')
    expect(await refusal(claiming(10 * 255 + 1, Buffer.alloc(10)), 10 * 255 + 1)).toBe('LEVEL_CORRUPTION')
  })

  test('a size above 0 with no block behind it', async () => {
    expect(await refusal(claiming(1, Buffer.alloc(0)), 1)).toBe('LEVEL_CORRUPTION')
  })
})

test('a block that unfolds to fewer bytes than both sizes say is refused', async () => {
  const block = Buffer.from(codec.compressSync!(noise(100))).subarray(4)
  expect(await refusal(claiming(101, block), 101)).toBe('LEVEL_CORRUPTION')
  expect(await refusal(claiming(10, Buffer.of(0)), 10)).toBe('LEVEL_CORRUPTION')
})

test('a block that unfolds to more bytes than both sizes say is refused by the decoder', async () => {
  const block = Buffer.from(codec.compressSync!(text(1000))).subarray(4)
  expect(await refusal(claiming(500, block), 500)).toBe('LEVEL_CORRUPTION')
})

test('the most compressible value there is stays within the ratio that a reader accepts', () => {
  for (const size of [255, 4096, 65_536, 4 * 1024 * 1024]) {
    const zeros = Buffer.alloc(size)
    expect(zeros.equals(codec.decompressSync!(codec.compressSync!(zeros), size)), `${size} zeros`).toBe(true)
  }
})

test('a damaged block never restores to another length, nor brings the process down', () => {
  const value = text(300)
  const whole = Buffer.from(codec.compressSync!(value))
  const restoredLengths = new Set<number>()
  for (let at = 4; at < whole.length; at++) {
    for (const byte of [0x00, 0x0f, 0xf0, 0xff]) {
      const damaged = Buffer.from(whole)
      damaged[at] = byte
      try {
        restoredLengths.add(codec.decompressSync!(damaged, value.length).length)
      } catch {
        // Refused, as it may be.
      }
    }
  }
  expect([...restoredLengths]).toEqual([value.length])
})

import { describe, expect, test } from 'vitest'
import { MAX_VARINT_BYTES, varintBytes, writeVarint } from '../../src/wal/format/varint.js'

const CASES: [number: number, hex: string][] = [
  [0, '00'],
  [1, '01'],
  [0x7f, '7f'],
  [0x80, '8001'],
  [0x3fff, 'ff7f'],
  [0x4000, '808001'],
  [0x1f_ffff, 'ffff7f'],
  [0x20_0000, '80808001'],
  [0xfff_ffff, 'ffffff7f'],
  [0x1000_0000, '8080808001'],
  [2 ** 32 - 1, 'ffffffff0f']
]

describe.each(CASES)('%i', (number, hex) => {
  test('is written low bits first, seven to a byte', () => {
    const bytes = Buffer.alloc(2 + MAX_VARINT_BYTES)
    const end = writeVarint(bytes, 2, number)
    expect(bytes.toString('hex', 2, end)).toBe(hex)
    expect(bytes.subarray(0, 2).equals(Buffer.alloc(2))).toBe(true)
  })

  test('takes as many bytes as are said beforehand', () => {
    expect(varintBytes(number)).toBe(hex.length / 2)
  })
})

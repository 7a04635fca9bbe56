import { describe, expect, test } from 'vitest'
import { codecForReading } from '../../../src/codec/registry.js'
import { tensor } from '../../../src/codec/tensor/tensor.js'
import { CompressedKvError } from '../../../src/errors.js'
import { everyBitFlipped, noise } from '../../support/sample-values.js'
import { rejectedCode, thrownCode } from '../../support/thrown-code.js'
import { boundedMemory } from '../bounded-memory.js'
import { readTensorPayload } from './tensor-second-reader.js'
import { gaussian } from './tensor-values.js'

const reader = codecForReading(3)

/** The code of the refusal on and off the thread, if it is one; undefined if neither refuses. */
async function refusal(data: Uint8Array, rawLength: number) {
  const on = thrownCode(() => reader.decompressSync!(data, rawLength))
  const off = await rejectedCode(reader.decompress(data, rawLength))
  return on === off ? on : [on, off]
}

/** A tensor of bytes (dtype 5) in one block, Zstandard inside, unless told otherwise. */
function forged({ filter = 1, dtype = 5, inner = 2, shift = 16, used = 0, table = [] as number[], rest = '' } = {}) {
  const out = Buffer.alloc(8 + 4 * table.length)
  out.set([filter, dtype, inner, shift])
  out.writeUInt32LE(used, 4)
  for (const [i, entry] of table.entries()) out.writeUInt32LE(entry >>> 0, 8 + 4 * i)
  return Buffer.concat([out, Buffer.from(rest, 'hex')])
}
const spaced = (hex: string) => hex.replaceAll(' ', '')

const CONSTANT = 2 ** 30
const COMPRESSED = 2 ** 31

/** Two bytes as Zstandard stores them, in more. */
const TWO = Buffer.from(codecForReading(2).compressSync!(Buffer.of(1, 2))).toString('hex')
/** 17 bytes as Zstandard stores them, in as many. */
const SAME = Buffer.from(codecForReading(2).compressSync!(Buffer.alloc(17, 7))).toString('hex')

describe('the bytes are those of docs/format.md', () => {
  test('trailing zeros are only counted', () => {
    const value = Buffer.from('803f00000000', 'hex')
    expect(Buffer.from(tensor({ dtype: 'bf16' }).compressSync!(value)).toString('hex')).toBe(
      spaced('01010210 02000000 80000040 3f000040')
    )
  })

  test('an odd byte is kept behind the planes', () => {
    const value = Buffer.from('00112233445566', 'hex')
    expect(Buffer.from(tensor({ dtype: 'f32', codec: 'lz4' }).compressSync!(value)).toString('hex')).toBe(
      spaced('01030110 07000000 00000040 11000040 22000040 33000040 445566')
    )
  })

  test('a raw plane, and padding before it', () => {
    expect(reader.decompressSync!(forged({ used: 3, table: [0], rest: '00000000010203' }), 5)).toEqual(
      Buffer.from('0102030000', 'hex')
    )
  })

  test.each([10, 24])('blocks may have 2^%i elements', async shift => {
    const data = forged({ shift, used: 3, table: [CONSTANT + 7], rest: '00000000' })
    expect(reader.decompressSync!(data, 4)).toEqual(Buffer.of(7, 7, 7, 0))
    expect(await reader.decompress(data, 4)).toEqual(Buffer.of(7, 7, 7, 0))
  })

  test.each(['bf16', 'f16', 'f32', 'f64', 'i8'] as const)('another reader restores %s', async dtype => {
    for (const codec of ['zstd', 'lz4'] as const) {
      const value = Buffer.concat([gaussian(dtype, 300_001), Buffer.alloc(100_000), noise(99), Buffer.alloc(9)])
      const payload = Buffer.from(await tensor({ dtype, codec }).compress(value))
      expect(value.equals(await readTensorPayload(payload, value.length))).toBe(true)
    }
  })
})

describe('refuses as corrupt', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['less than a header', forged().subarray(0, 7)],
    ['more used bytes than there are', forged({ used: 101, table: [CONSTANT], rest: '00000000' })],
    ['blocks below 2^10 elements', forged({ shift: 9, used: 100, table: [CONSTANT], rest: '00000000' })],
    ['blocks above 2^24 elements', forged({ shift: 25, used: 100, table: [CONSTANT], rest: '00000000' })],
    ['a table that is cut', forged({ dtype: 4, used: 100, table: [CONSTANT, CONSTANT] })],
    ['padding that is cut', forged({ used: 100, table: [CONSTANT + 5] })],
    ['padding that is not zero', forged({ used: 100, table: [CONSTANT + 5], rest: '00000100' })],
    ['a constant of two bytes', forged({ used: 100, table: [CONSTANT + 256], rest: '00000000' })],
    ['a raw plane with a length', forged({ used: 2, table: [2], rest: '000000000102' })],
    ['a raw plane that is cut', forged({ used: 3, table: [0], rest: '000000000102' })],
    ['a compressed plane without bytes', forged({ used: 100, table: [COMPRESSED], rest: '00000000' })],
    ['LZ4 without bytes', forged({ inner: 1, used: 100, table: [COMPRESSED], rest: '00000000' })],
    [
      'a compressed plane that saves nothing',
      forged({ used: 17, table: [COMPRESSED + SAME.length / 2], rest: `00000000${SAME}` })
    ],
    [
      'a compressed plane of fewer bytes than it has elements',
      forged({ used: 100, table: [COMPRESSED + TWO.length / 2], rest: `00000000${TWO}` })
    ],
    ['a compressed plane that is cut', forged({ used: 100, table: [COMPRESSED + 9], rest: '0000000001' })],
    ['a compressed plane that its codec refuses', forged({ used: 9, table: [COMPRESSED + 2], rest: '00000000ffff' })],
    [
      'LZ4 that its codec refuses',
      forged({ inner: 1, used: 9, table: [COMPRESSED + 6], rest: '0000000009000000ffff' })
    ],
    ['bytes behind the tail', forged({ used: 100, table: [CONSTANT + 5], rest: '0000000001' })],
    ['a tail that is cut', forged({ dtype: 1, used: 3, table: [CONSTANT, CONSTANT] })]
  ])('%s', async (_, data) => {
    expect(await refusal(data, 100)).toBe('LEVEL_CORRUPTION')
  })
})

describe('refuses as unknown', () => {
  test.each([
    ['another filter', forged({ filter: 2 })],
    ['no filter', forged({ filter: 0 })],
    ['another dtype', forged({ dtype: 6 })],
    ['another codec inside', forged({ inner: 128 })],
    ['itself inside', forged({ inner: 3 })],
    ['another way to store a plane', forged({ used: 100, table: [COMPRESSED + CONSTANT], rest: '00000000' })]
  ])('%s', async (_, data) => {
    expect(await refusal(data, 100)).toBe('LEVEL_NOT_SUPPORTED')
  })
})

test('a plane that saves nothing is refused for that alone', () => {
  expect(SAME.length / 2).toBe(17)
})

test('memory stays bounded, whatever is claimed', async () => {
  const GIB = 2 ** 30
  const claims = [
    forged({ used: 4 * GIB - 1, shift: 24, table: [0] }),
    forged({ used: 4 * GIB - 1, shift: 10, table: [COMPRESSED + 9] }),
    forged({ used: 4 * GIB - 1, shift: 24, dtype: 4, table: Array.from({ length: 400 }, () => COMPRESSED + 9) }),
    Buffer.concat([Buffer.from('01050210', 'hex'), noise(1000)])
  ]
  for (const data of claims) {
    expect(await boundedMemory(() => refusal(data, 1000))).toBe('LEVEL_CORRUPTION')
    expect(await boundedMemory(() => refusal(data, 4 * GIB - 1))).toBe('LEVEL_CORRUPTION')
  }
})

test.each(['zstd', 'lz4'] as const)('with %s, every flipped bit gives a typed error or as many bytes', async codec => {
  const value = Buffer.concat([gaussian('bf16', 3000), Buffer.alloc(7)])
  const whole = Buffer.from(tensor({ dtype: 'bf16', codec }).compressSync!(value))
  const seen = new Set<unknown>()
  for (const { bit, flipped } of everyBitFlipped(whole)) {
    seen.add(outcome(() => reader.decompressSync!(flipped, value.length).length))
    if (bit % 16 === 0) {
      const restored = await reader.decompress(Buffer.from(flipped), value.length).then(({ length }) => length, codeOf)
      seen.add(restored)
    }
  }
  expect(seen).toEqual(new Set([value.length, 'LEVEL_CORRUPTION', 'LEVEL_NOT_SUPPORTED']))
})

test('every cut and every wrong raw length is refused or fills up with zeros', async () => {
  const value = gaussian('f32', 2001)
  const whole = Buffer.from(tensor({ dtype: 'f32' }).compressSync!(value))
  for (let length = 0; length < whole.length; length++) {
    expect(outcome(() => reader.decompressSync!(whole.subarray(0, length), value.length))).toBe('LEVEL_CORRUPTION')
  }
  for (const shorter of [0, 1, 1999, 2000]) expect(await refusal(whole, shorter)).toBe('LEVEL_CORRUPTION')
  expect(reader.decompressSync!(whole, 2005)).toEqual(Buffer.concat([value, Buffer.alloc(4)]))
})

function outcome(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof CompressedKvError ? error.code : error
}

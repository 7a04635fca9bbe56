import * as fc from 'fast-check'
import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'
import { type Codec, CODEC_ID } from '../../../src/codec/codec.js'
import { lz4 } from '../../../src/codec/lz4/lz4.js'
import { none } from '../../../src/codec/none.js'
import { codecForReading, codecForWriting } from '../../../src/codec/registry.js'
import type { TensorDtype } from '../../../src/codec/tensor/tensor-format.js'
import { tensor, type TensorOptions } from '../../../src/codec/tensor/tensor.js'
import { zstd } from '../../../src/codec/zstd/zstd.js'
import { CompressedKvStore } from '../../../src/store/compressed-kv-store.js'
import { noise, text } from '../../support/sample-values.js'
import { thrownCode } from '../../support/thrown-code.js'
import { everyPattern, gaussian } from './tensor-values.js'

const DTYPES = ['bf16', 'f16', 'f32', 'f64', 'i8'] as const
const INNER = ['zstd', 'lz4'] as const
const BYTES: Record<TensorDtype, number> = { bf16: 2, f16: 2, f32: 4, f64: 8, i8: 1 }

/** Whether `value` survives on the thread; reading goes by the bytes alone. */
function survives(codec: Codec, value: Uint8Array): boolean {
  const reader = codecForReading(CODEC_ID.tensor)
  return Buffer.from(value).equals(reader.decompressSync!(codec.compressSync!(value), value.length))
}

async function survivesOffThread(codec: Codec, value: Uint8Array): Promise<boolean> {
  const reader = codecForReading(CODEC_ID.tensor)
  return Buffer.from(value).equals(await reader.decompress(await codec.compress(value), value.length))
}

describe.each(DTYPES)('%s', dtype => {
  const codec = tensor({ dtype })

  const patterns = everyPattern(dtype)
  /** So many bytes of the patterns, from some place in them on, around and around. */
  const patternsFrom = (start: number, length: number) => {
    const from = start % patterns.length
    return Buffer.alloc(length, Buffer.concat([patterns.subarray(from), patterns.subarray(0, from)]))
  }

  test.each(INNER)('every bit pattern survives with %s, at every length from 0 to 4096', inner => {
    const smooth = gaussian(dtype, 4096)
    const around = Buffer.concat([patterns, Buffer.alloc(8192, patterns)])
    const lost: number[] = []
    let at = 0
    for (let length = 0; length <= 4096; length++) {
      const numbers = smooth.subarray(0, length)
      const window = around.subarray(at, at + length)
      at = (at + length) % patterns.length
      const withInner = tensor({ dtype, codec: inner })
      if (!survives(withInner, numbers) || !survives(withInner, window)) lost.push(length)
    }
    expect(lost).toEqual([])
  })

  test('every bit pattern survives, at random lengths above', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4097, max: 600_000 }),
        fc.nat(1_000_000),
        fc.constantFrom(...INNER),
        fc.boolean(),
        async (length, start, inner, offThread) => {
          const value = patternsFrom(start, length)
          const withInner = tensor({ dtype, codec: inner })
          expect(offThread ? await survivesOffThread(withInner, value) : survives(withInner, value)).toBe(true)
        }
      ),
      { numRuns: 30 }
    )
  })

  test('survives off the thread at lengths around tiles and blocks', async () => {
    for (const elements of [65_535, 65_536, 65_537, 400_003]) {
      const value = gaussian(dtype, elements * BYTES[dtype] + 1)
      expect(await survivesOffThread(codec, value), `${elements} elements`).toBe(true)
    }
  })

  test('survives whatever its bytes are, at random lengths and alignments', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 3000 }),
        fc.nat(40),
        fc.nat(15),
        fc.boolean(),
        async (bytes, times, offset, offThread) => {
          const repeated = Buffer.concat([Buffer.alloc(offset), ...Array.from({ length: times }, () => bytes)])
          const value = repeated.subarray(offset)
          expect(offThread ? await survivesOffThread(codec, value) : survives(codec, value)).toBe(true)
        }
      ),
      { numRuns: 60 }
    )
  })

  test('takes its input and its compressed form at any alignment', () => {
    const value = gaussian(dtype, 5003)
    const compressed = codec.compressSync!(value)
    for (let offset = 0; offset < 16; offset++) {
      const moved = Buffer.alloc(offset + value.length).subarray(offset)
      moved.set(value)
      expect(Buffer.from(codec.compressSync!(moved)).equals(compressed)).toBe(true)
      const stored = Buffer.alloc(offset + compressed.length).subarray(offset)
      stored.set(compressed)
      expect(value.equals(codec.decompressSync!(stored, value.length))).toBe(true)
    }
  })

  test('what is written on the thread is read off it, and the other way round', async () => {
    const value = gaussian(dtype, 300_000)
    const ours = tensor({ dtype, codec: 'lz4' })
    expect(value.equals(await ours.decompress(ours.compressSync!(value), value.length))).toBe(true)
    expect(value.equals(ours.decompressSync!(await ours.compress(value), value.length))).toBe(true)
  })

  test('leaves its input alone and hands out memory of its own', async () => {
    const value = gaussian(dtype, 200_001)
    const before = Buffer.from(value)
    const compressed = await codec.compress(value)
    const compressedBefore = Buffer.from(compressed)
    const [a, b] = [await codec.decompress(compressed, value.length), codec.decompressSync!(compressed, value.length)]
    a.fill(1)
    b.fill(2)
    expect(value.equals(before)).toBe(true)
    expect(compressedBefore.equals(compressed)).toBe(true)
  })

  test('values that are all zero, and zeros at the end of others, take no space', async () => {
    expect((await codec.compress(Buffer.alloc(3_000_001))).length).toBe(8)
    const half = gaussian(dtype, 100_000)
    const padded = Buffer.concat([half, Buffer.alloc(1_000_000)])
    expect(codec.compressSync!(padded).length).toBe(codec.compressSync!(half).length)
    expect(survives(codec, padded)).toBe(true)
  })

  test('many calls at once keep their values apart', async () => {
    const values = Array.from({ length: 20 }, (_, i) => gaussian(dtype, 60_000 + i * 1111, i))
    const kept = await Promise.all(values.map(value => survivesOffThread(codec, value)))
    expect(kept).toEqual(values.map(() => true))
  })
})

describe('every bit pattern survives:', () => {
  test.each(DTYPES)('all of them in one value of %s', async dtype => {
    expect(survives(tensor({ dtype }), everyPattern(dtype))).toBe(true)
    expect(await survivesOffThread(tensor({ dtype, codec: 'lz4' }), everyPattern(dtype))).toBe(true)
  })

  test.each(['f32', 'f64'] as const)('random ones of %s', dtype => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 500 }), patterns => {
        expect(survives(tensor({ dtype }), new Uint8Array(BigUint64Array.from(patterns).buffer))).toBe(true)
      })
    )
  })
})

describe('planes', () => {
  test.each([
    ['bf16', 0.75],
    ['f16', 0.95],
    ['f32', 0.9],
    ['f64', 0.97]
  ] as const)('of exponents are compressed, those of mantissas stored as they are: %s below %d', (dtype, most) => {
    expect(tensor({ dtype }).compressSync!(gaussian(dtype, 1_000_000)).length).toBeLessThan(most * 1_000_000)
  })

  test('that are constant take a few bytes: bf16 in f32', () => {
    const narrow = gaussian('bf16', 500_000)
    const wide = Buffer.alloc(1_000_000)
    for (let i = 0; i < 250_000; i++) wide.set(narrow.subarray(2 * i, 2 * i + 2), 4 * i + 2)
    const [asF32, asBf16] = [
      tensor({ dtype: 'f32' }).compressSync!(wide),
      tensor({ dtype: 'bf16' }).compressSync!(narrow)
    ]
    expect(asF32.length).toBeLessThan(asBf16.length + 100)
  })

  test('that only looked constant are not stored as constant', () => {
    const value = Buffer.alloc(400_000, 7)
    for (let at = 0; at < value.length; at += 7919) {
      value[at] = 9
      expect(survives(tensor({ dtype: 'bf16' }), value)).toBe(true)
    }
  })

  test('that only looked constant are compressed all the same', () => {
    const value = Buffer.alloc(400_000, 7)
    value[399_998] = 9
    expect(tensor({ dtype: 'bf16' }).compressSync!(value).length).toBeLessThan(1000)
  })

  test('that take little do not keep the memory for the most that they could take', async () => {
    const value = Buffer.alloc(1_000_000, 7)
    const codec = tensor({ dtype: 'f32' })
    for (const compressed of [codec.compressSync!(value), await codec.compress(value)])
      expect(compressed.buffer.byteLength).toBeLessThan(100_000)
  })

  test('of noise take only a table more than they have bytes', async () => {
    const value = noise(1_000_000)
    for (const dtype of DTYPES) {
      expect((await tensor({ dtype }).compress(value)).length).toBeLessThan(value.length + 300)
    }
  })
})

describe('options', () => {
  test('give it a name, an id and the effort of the codec inside', () => {
    expect(tensor({ dtype: 'bf16' })).toMatchObject({ id: 3, name: 'tensor-bf16', effort: 1 })
    expect(tensor({ dtype: 'i8', codec: zstd({ level: 9 }) })).toMatchObject({ name: 'tensor-i8', effort: 9 })
    expect(tensor({ dtype: 'f64', codec: 'lz4' }).effort).toBe(undefined)
  })

  test('of the codec inside say how much memory it takes while it compresses four blocks at once', () => {
    const inner = zstd({ level: 19 })
    expect(tensor({ dtype: 'bf16', codec: inner }).workingBytes).toBe(4 * inner.workingBytes!)
    expect(tensor({ dtype: 'bf16', codec: 'lz4' }).workingBytes).toBe(0)
  })

  test.each([
    { dtype: 'fp8' },
    { dtype: 'toString' },
    { dtype: undefined },
    { dtype: 'bf16', codec: 'none' },
    { dtype: 'bf16', codec: none() },
    { dtype: 'bf16', codec: null },
    { dtype: 'bf16', codec: { ...lz4() } },
    { dtype: 'bf16', codec: tensor({ dtype: 'bf16' }) }
  ])('%j is refused', options => {
    expect(thrownCode(() => tensor(options as TensorOptions))).toBe('CKV_INVALID_OPTION')
  })

  test('are required: no name of a codec stands for it', () => {
    expect(thrownCode(() => codecForWriting('tensor' as 'zstd'))).toBe('CKV_INVALID_OPTION')
  })
})

test('a store writes tensors by a rule and by a call, and reads them without options', async () => {
  const backend = new MemoryLevel<string, Buffer>({ valueEncoding: 'buffer', storeEncoding: 'buffer' })
  const large = gaussian('bf16', 500_000)
  const small = gaussian('f32', 20_000)
  const store = new CompressedKvStore(backend, { codec: [{ prefix: 'kv:', codec: tensor({ dtype: 'bf16' }) }] })
  await store.put('kv:1', large)
  await store.put('small', small, { codec: tensor({ dtype: 'f32' }) })
  await store.put('kv:text', text(100_000))
  expect(Object.keys(store.stats().written.byCodec)).toEqual(expect.arrayContaining(['tensor-bf16', 'tensor-f32']))
  expect(large.equals((await store.get('kv:1'))!)).toBe(true)
  expect(large.equals(store.getSync('kv:1')!)).toBe(true)
  expect(small.equals((await store.get('small'))!)).toBe(true)
  expect(text(100_000).equals((await store.get('kv:text'))!)).toBe(true)
  await store.close()
})

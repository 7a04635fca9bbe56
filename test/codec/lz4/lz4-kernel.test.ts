import * as fc from 'fast-check'
import { compressSync, uncompressSync } from 'lz4-napi'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { MAX_OFFSET, MAX_VALUE_BYTES } from '../../../src/codec/lz4/lz4-functions.js'
import { Lz4Kernel } from '../../../src/codec/lz4/lz4-kernel.js'
import { noise, text } from '../../support/sample-values.js'
import { thrownCode } from '../../support/thrown-code.js'

const kernel = new Lz4Kernel()

/** Whether both read what both write. */
function agree(value: Buffer): boolean {
  const ours = kernel.compress(value, 'sized')
  const theirs = compressSync(value)
  return (
    uncompressSync(ours).equals(value) &&
    kernel.decompress(ours, value.length, 'sized').equals(value) &&
    kernel.decompress(theirs, value.length, 'sized').equals(value)
  )
}

describe('LZ4 in WebAssembly and lz4-napi read what the other writes', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.nat(3000).map(length => text(length)),
    fc.nat(300).map(length => noise(length)),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(900))
      .map(([unit, bytes]) => Buffer.alloc(bytes, unit))
  )

  test('of any pieces', () => {
    const values = fc.array(piece, { maxLength: 12 }).map(pieces => Buffer.concat(pieces))
    fc.assert(
      fc.property(values, value => {
        expect(agree(value)).toBe(true)
      }),
      { numRuns: 1000 }
    )
  })

  test('of bytes that repeat after 1 to 40, at every length up to 80', () => {
    for (let period = 1; period <= 40; period++) {
      const unit = noise(period, period)
      for (let length = 0; length <= 80; length++)
        expect(agree(Buffer.alloc(length, unit)), `${length} bytes of ${period}`).toBe(true)
    }
  })

  test('with literals and matches as long as their lengths take one byte more', () => {
    for (const around of [15, 15 + 255, 15 + 2 * 255]) {
      for (let length = around - 6; length <= around + 6; length++) {
        const literals = noise(length, length)
        expect(agree(Buffer.concat([literals, literals.subarray(0, 12), text(40)])), `${length} literals`).toBe(true)
        expect(agree(Buffer.concat([noise(40), Buffer.alloc(length, 7), noise(40, 2)])), `a run of ${length}`).toBe(
          true
        )
      }
    }
  })

  test('of lengths around which more places are remembered', () => {
    for (const limit of [1024, 4096, 16_384]) {
      for (let length = limit - 2; length <= limit + 2; length++) {
        for (const value of [noise(length), text(length), Buffer.concat([noise(length - 500), noise(500)])])
          expect(agree(value), `${length} bytes`).toBe(true)
      }
    }
  })

  test('of the largest values, and with the largest offsets', () => {
    for (let length = MAX_VALUE_BYTES - 20; length <= MAX_VALUE_BYTES; length++) {
      const far = noise(length - 2 * 100, length)
      for (const value of [
        noise(length),
        text(length),
        Buffer.alloc(length),
        Buffer.concat([far, far.subarray(0, 100)])
      ])
        expect(agree(value), `${length} bytes`).toBe(true)
    }
    const [begin, middle] = [noise(50), noise(MAX_OFFSET - 50 - 40, 9)]
    for (let more = 0; more < 40; more++)
      expect(agree(Buffer.concat([begin, middle, noise(more, 3), begin, text(20)]).subarray(0, MAX_VALUE_BYTES))).toBe(
        true
      )
  })
})

describe('LZ4 in WebAssembly', () => {
  test('needs no more for real text than lz4-napi', () => {
    for (const length of [300, 1000, 5000, 60_000])
      expect(kernel.compress(text(length), 'sized').length).toBeLessThanOrEqual(compressSync(text(length)).length)
  })

  test('gives the same for a value whatever came before it', () => {
    const fresh = new Lz4Kernel().compress(text(2000), 'block')
    for (const value of [noise(60_000), text(60_000), Buffer.alloc(60_000)]) {
      kernel.compress(value, 'block')
      expect(kernel.compress(text(2000), 'block')).toEqual(fresh)
    }
    for (let length = 100; length < 4000; length += 100) {
      // Of bytes without a match not every place is remembered, and a match before them changes which ones are.
      const bytes = noise(length)
      const again = Array.from({ length: 20 }, (_, i) =>
        Buffer.concat([bytes.subarray(length - 40 - i, length - 35 - i), noise(3, i + 1)])
      )
      const value = Buffer.concat([bytes, ...again])
      kernel.compress(Buffer.concat([Buffer.alloc(64), value.subarray(64)]), 'block')
      expect(kernel.compress(value, 'block'), `${length} bytes`).toEqual(new Lz4Kernel().compress(value, 'block'))
    }
  })

  test('hands out memory of its own, or on demand its own memory', () => {
    const value = text(500)
    const block = kernel.compress(value, 'block')
    const restored = kernel.decompress(block, 500, 'block')
    const shared = kernel.decompressShared(block, 500, 'block')
    expect(shared).toEqual(value)
    kernel.compress(noise(500), 'block')
    expect(block).toEqual(new Lz4Kernel().compress(value, 'block'))
    expect(restored).toEqual(value)
    expect(shared).not.toEqual(value)
  })

  test('reads and writes nothing outside of its places, whatever a block says', () => {
    const dictionary = noise(MAX_OFFSET, 4)
    const ours = new Lz4Kernel(dictionary)
    const value = Buffer.concat([dictionary.subarray(0, 50), text(800)])
    const block = ours.compress(value, 'block')
    const bytes = fc.array(fc.oneof(fc.constantFrom(0, 15, 0xf0, 0xff), fc.nat(255)), { minLength: 1, maxLength: 300 })
    const lengths = fc.oneof(fc.nat(1000), fc.constantFrom(65_535, MAX_VALUE_BYTES))
    fc.assert(
      fc.property(bytes, lengths, (random, rawLength) => {
        const code = thrownCode(() => ours.decompress(Buffer.from(random), rawLength, 'block'))
        expect([undefined, 'LEVEL_CORRUPTION']).toContain(code)
      }),
      { numRuns: 2000 }
    )
    expect(ours.compress(value, 'block')).toEqual(block)
    expect(ours.decompress(block, value.length, 'block')).toEqual(value)
  })

  test('refuses what is larger than it has room for', () => {
    expect(thrownCode(() => kernel.decompress(Buffer.alloc(200_000), 100, 'block'))).toBe('LEVEL_CORRUPTION')
    const tooLong = compressSync(Buffer.alloc(MAX_VALUE_BYTES + 1))
    expect(thrownCode(() => kernel.decompress(tooLong, MAX_VALUE_BYTES + 1, 'sized'))).toBe('LEVEL_CORRUPTION')
  })
})

describe('where WebAssembly is switched off', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  test('lz4-napi takes small values too, and those with a dictionary', async () => {
    vi.resetModules()
    vi.stubGlobal('WebAssembly', undefined)
    const { lz4 } = await import('../../../src/codec/lz4/lz4.js')
    const codec = lz4()
    const value = text(1000)
    expect(codec.compressSync!(value)).toEqual(compressSync(value))
    expect(codec.decompressSync!(kernel.compress(value, 'sized'), 1000)).toEqual(value)
    for (const dictionary of [Buffer.alloc(0), text(1000), Buffer.concat([noise(70_000), text(1000)])]) {
      const [ours, theirs] = [new Lz4Kernel(dictionary), codec.withDictionary!(dictionary)]
      expect(theirs.decompressSync(ours.compress(value, 'block'), 1000)).toEqual(value)
      expect(ours.decompress(theirs.compressSync(value)!, 1000, 'block')).toEqual(value)
      expect(theirs.compressSync(noise(100))).toBe(undefined)
      expect(() => theirs.decompressSync(Buffer.of(0x10, 1), 0xffffffff)).toThrow(/claim 4294967295/)
      expect(() => theirs.decompressSync(Buffer.of(0x14, 0x61, 0, 0, 0), 9)).toThrow(/offset/)
    }
  })
})

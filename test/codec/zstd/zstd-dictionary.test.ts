import { compressUsingDict, createCCtx, createDCtx, decompressUsingDict, init } from '@bokuweb/zstd-wasm'
import * as fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { trainDictionary } from '../../../src/codec/dictionary/dictionary-training.js'
import { zstd } from '../../../src/codec/zstd/zstd.js'
import { everyBitFlipped, noise } from '../../support/sample-values.js'
import { documents } from '../../support/small-documents.js'
import { thrownCode } from '../../support/thrown-code.js'

const DOCUMENTS = documents(260)
const TESTED = DOCUMENTS.slice(240)
const CONTENT = Buffer.concat(DOCUMENTS.slice(0, 8))
let trained: Uint8Array

beforeAll(async () => {
  await init()
  trained = (await trainDictionary(DOCUMENTS.slice(0, 240), 2048))!
})

const dictionaries = () => [
  ['in the format', trained] as const,
  ['of content only', CONTENT] as const,
  ['short', Buffer.from('abc')] as const
]

/** docs/format.md, "With a dictionary". */
function frameOf(block: Uint8Array, rawLength: number): Buffer {
  const size = Buffer.alloc(rawLength < 256 ? 1 : 2)
  size.writeUIntLE(rawLength < 256 ? rawLength : rawLength - 256, 0, size.length)
  const header = Buffer.alloc(3)
  header.writeUIntLE(5 + 8 * block.length, 0, 3)
  return Buffer.concat([Buffer.from('28b52ffd', 'hex'), Buffer.of(rawLength < 256 ? 0x20 : 0x60), size, header, block])
}

/** The format's own id is left out of what we write. */
function withoutId(dictionary: Uint8Array): Buffer {
  const copy = Buffer.from(dictionary)
  return dictionary === trained ? copy.fill(0, 4, 8) : copy
}

describe('Zstandard with a dictionary', () => {
  it.each([1, 3, 9, 19])('of level %i restores every value, whatever the dictionary', level => {
    for (const [name, dictionary] of dictionaries()) {
      const coder = zstd({ level }).withDictionary!(dictionary)
      for (const value of TESTED) {
        const block = coder.compressSync(value)
        expect(block !== undefined || name === 'short').toBe(true)
        const restored = block === undefined ? value : coder.decompressSync(block, value.length)
        expect(Buffer.from(restored)).toEqual(value)
      }
    }
  })

  it('writes blocks that libzstd reads, in a frame of one block', () => {
    for (const [, dictionary] of dictionaries()) {
      const coder = zstd().withDictionary!(dictionary)
      for (const value of [...TESTED, TESTED[0]!.subarray(0, 255), TESTED[0]!.subarray(0, 256)]) {
        const block = coder.compressSync(value)
        if (block === undefined) continue
        const frame = frameOf(block, value.length)
        expect(Buffer.from(decompressUsingDict(createDCtx(), frame, withoutId(dictionary)))).toEqual(value)
      }
    }
  })

  it('gains by the tables of the format', () => {
    const total = (dictionary: Uint8Array) => {
      const coder = zstd().withDictionary!(dictionary)
      return TESTED.reduce((sum, value) => sum + coder.compressSync(value)!.length, 0)
    }
    expect(total(trained)).toBeLessThan(total(CONTENT) * 0.9)
    const frames = TESTED.map(value => compressUsingDict(createCCtx(), value, Buffer.from(trained), 3).length)
    // Nothing of what a frame says twice is kept: magic 4, descriptor 1, dictionary id 1, content size 1 or 2, block header 3.
    const saved = frames.reduce((sum, length) => sum + length, 0) - total(trained)
    expect(saved / TESTED.length).toBeGreaterThanOrEqual(9)
  })

  it('leaves the dictionary that it is given as it was', () => {
    const given = Buffer.from(trained)
    expect(zstd().withDictionary!(given).compressSync(TESTED[0]!)).toBeDefined()
    expect(given).toEqual(Buffer.from(trained))
  })

  it('gives undefined if a value does not become smaller', () => {
    const coder = zstd().withDictionary!(trained)
    for (const value of [Buffer.alloc(0), Buffer.of(1), noise(500)]) expect(coder.compressSync(value)).toBe(undefined)
  })

  it('restores values of any length and kind', () => {
    const coder = zstd().withDictionary!(trained)
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(65_535), fc.nat(255)).map(([length, fill]) => Buffer.alloc(length, Buffer.of(fill, 1, 2))),
      fc.tuple(fc.nat(19), fc.nat(200)).map(([i, cut]) => TESTED[i]!.subarray(cut))
    )
    const property = fc.property(bytes, value => {
      const block = coder.compressSync(value)
      return block === undefined || Buffer.from(value).equals(coder.decompressSync(block, value.length))
    })
    expect(fc.check(property)).toMatchObject({ failed: false })
  })
})

describe('a damaged block with a dictionary', () => {
  it('gives bytes of the right length or an error, whatever bit is flipped', () => {
    const coder = zstd().withDictionary!(trained)
    const value = TESTED[1]!
    for (const { flipped } of everyBitFlipped(Buffer.from(coder.compressSync(value)!))) {
      let length: number | undefined
      try {
        length = coder.decompressSync(flipped, value.length).length
      } catch {
        length = undefined
      }
      expect([value.length, undefined]).toContain(length)
    }
  })

  it('is refused with another length', () => {
    const coder = zstd().withDictionary!(trained)
    const value = TESTED[1]!
    const block = coder.compressSync(value)!
    for (const length of [0, 1, block.length])
      expect(thrownCode(() => coder.decompressSync(block, length))).toBe('LEVEL_CORRUPTION')
    for (const length of [value.length - 1, value.length + 1, 65_535])
      expect(() => coder.decompressSync(block, length)).toThrow(Error)
  })
})

describe('where WebAssembly has no memory for more than libzstd', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  it('that reads and writes the same', async () => {
    vi.resetModules()
    const { zstd: scarce } = await import('../../../src/codec/zstd/zstd.js')
    for (const codec of [scarce(), zstd()]) codec.compressSync!(TESTED[0]!) // libzstd has its memory from here on.
    const whole = zstd().withDictionary!(trained) // And this one the rest as well, even if this test is the first.
    whole.decompressSync(whole.compressSync(TESTED[0]!)!, TESTED[0]!.length)
    vi.stubGlobal('WebAssembly', undefined)
    for (const [name, dictionary] of dictionaries()) {
      const [there, here] = [zstd().withDictionary!(dictionary), scarce().withDictionary!(dictionary)]
      for (const value of [...TESTED, TESTED[0]!.subarray(0, 255), TESTED[0]!.subarray(0, 256)]) {
        const blocks = [there, here].map(coder => coder.compressSync(value)).filter(block => block !== undefined)
        expect(blocks.length === 2 || name === 'short').toBe(true)
        for (const block of blocks) {
          expect(Buffer.from(there.decompressSync(block, value.length))).toEqual(value)
          expect(Buffer.from(here.decompressSync(block, value.length))).toEqual(value)
        }
      }
    }
    const coder = scarce().withDictionary!(trained)
    const block = coder.compressSync(TESTED[0]!)!
    expect(() => coder.decompressSync(block, TESTED[0]!.length + 1)).toThrow(Error)
    expect(() => coder.decompressSync(noise(50), 500)).toThrow(Error)
  })
})

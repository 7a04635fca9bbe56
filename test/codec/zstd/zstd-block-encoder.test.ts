import { compressUsingDict, createCCtx, createDCtx, decompressUsingDict, init } from '@bokuweb/zstd-wasm'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { dictionaryContent } from '../../../src/codec/dictionary/dictionary-format.js'
import { trainDictionary } from '../../../src/codec/dictionary/dictionary-training.js'
import { FREE_BYTES } from '../../../src/codec/dictionary/matcher-functions.js'
import { MAX_ENCODED_BYTES, ZstdBlockEncoder } from '../../../src/codec/zstd/zstd-block-encoder.js'
import { CODER_BYTES } from '../../../src/codec/zstd/zstd-coder-functions.js'
import { everyBitFlipped, noise, text } from '../../support/sample-values.js'
import { seededRandom } from '../../support/seeded-random.js'
import { thrownCode } from '../../support/thrown-code.js'
import { documents } from '../dictionary/dictionary-samples.js'

/** Of every dictionary that is trained. */
const ID = 1
const SINGLE_SEGMENT_WITH_ID_AND_FOUR_BYTE_SIZE = 0xa1

let dictionary: Buffer
let encoder: ZstdBlockEncoder

beforeAll(async () => {
  await init()
  dictionary = Buffer.from((await trainDictionary(documents(2000), 16_384))!)
  encoder = ZstdBlockEncoder.create(dictionary)!
})

/** What libzstd makes of a block. */
function decoded(block: Uint8Array, rawLength: number, withDictionary: Uint8Array = dictionary): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(rawLength)
  const blockHeader = Buffer.alloc(3)
  blockHeader.writeUIntLE(1 | (2 << 1) | (block.length << 3), 0, 3)
  const whole = Buffer.concat([
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, SINGLE_SEGMENT_WITH_ID_AND_FOUR_BYTE_SIZE, ID]),
    size,
    blockHeader,
    block
  ])
  return Buffer.from(decompressUsingDict(createDCtx(), whole, withDictionary))
}

/** Magic number, descriptor, id, size in one or two bytes, block header. */
function frameHeaderBytes(value: Buffer): number {
  return 4 + 1 + 1 + (value.length < 256 ? 1 : 2) + 3
}

function sum(lengths: readonly number[]): number {
  return lengths.reduce((a, b) => a + b, 0)
}

function pieceOfContent(from: number, to: number): Buffer {
  return Buffer.from(dictionaryContent(dictionary).subarray(from, to))
}

/** Letters in no order: they match nothing, and a code for text makes them shorter. */
function letters(length: number, seed = 1): Buffer {
  const random = seededRandom(seed)
  return Buffer.from(Array.from({ length }, () => 97 + Math.floor(random() * 20)))
}

describe('libzstd restores', () => {
  test.each([
    ['a document', () => documents(1, 5)[0]!],
    ['a piece of the dictionary', () => pieceOfContent(100, 2000)],
    ['many documents, in more than 127 sequences', () => Buffer.concat(documents(50, 5))],
    ['as much as is taken', () => Buffer.concat(documents(100, 5)).subarray(0, MAX_ENCODED_BYTES)],
    ['one byte over and over', () => Buffer.alloc(5000, 'a')],
    ['one byte over and over, as much as is taken', () => Buffer.alloc(MAX_ENCODED_BYTES)],
    ['letters, in one stream', () => letters(1023)],
    ['letters, in four streams', () => letters(1024)],
    ['letters, as many as are taken', () => letters(MAX_ENCODED_BYTES)],
    ['31 literals as they are, then a match', () => Buffer.concat([noise(31), text(500)])],
    ['32', () => Buffer.concat([noise(32), Buffer.alloc(500)])],
    ['4,095', () => Buffer.concat([noise(4095), Buffer.alloc(500)])],
    [
      '1,000, of which the code would make more than their size has bits',
      () => Buffer.concat([noise(1000), text(600)])
    ],
    ['4,096', () => Buffer.concat([noise(4096), Buffer.alloc(500)])]
  ])('%s', (_, make) => {
    const value = make()
    const block = encoder.encode(value)!
    expect(block.length).toBeLessThan(value.length)
    expect(Buffer.compare(decoded(block, value.length), value)).toBe(0)
  })

  test('whatever is put together of documents, dictionary, noise, letters and runs', () => {
    const piece = fc.oneof(
      fc
        .record({ from: fc.nat(15_000), length: fc.nat(400) })
        .map(({ from, length }) => pieceOfContent(from, from + length)),
      fc.nat(1000).map(seed => documents(1, seed)[0]!),
      fc
        .record({ length: fc.nat(300), seed: fc.integer({ min: 1, max: 1000 }) })
        .map(({ length, seed }) => noise(length, seed)),
      fc.record({ length: fc.nat(2000), seed: fc.nat(1000) }).map(({ length, seed }) => letters(length, seed)),
      fc.record({ length: fc.nat(700), byte: fc.nat(255) }).map(({ length, byte }) => Buffer.alloc(length, byte))
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        const value = Buffer.concat(pieces).subarray(0, MAX_ENCODED_BYTES)
        const block = encoder.encode(value)
        expect(Buffer.compare(block === undefined ? value : decoded(block, value.length), value)).toBe(0)
      }),
      { numRuns: 500 }
    )
  })
})

test.each([0, 1, 2, 3, 7, 8, 9, 100, 5000, MAX_ENCODED_BYTES])('%i bytes of noise do not get smaller', length => {
  expect(encoder.encode(noise(length))).toBeUndefined()
})

test('a value is encoded the same whatever was encoded before', () => {
  const value = documents(1, 5)[0]!
  const block = encoder.encode(value)
  const long = Buffer.concat([value, text(MAX_ENCODED_BYTES)]).subarray(0, MAX_ENCODED_BYTES)
  // 20 MB, so that positions begin again at 0 meanwhile.
  for (let i = 0; i < 1250; i++) encoder.encode(long)
  expect(encoder.encode(value)).toEqual(block)
  expect(block).toEqual(ZstdBlockEncoder.create(dictionary)!.encode(value))
})

test('what is written has room beside what the matcher works on', () => {
  expect(CODER_BYTES).toBeLessThanOrEqual(FREE_BYTES)
})

test('an error says so if WebAssembly is switched off', async () => {
  vi.resetModules()
  vi.stubGlobal('WebAssembly', undefined)
  const { ZstdBlockEncoder: Without } = await import('../../../src/codec/zstd/zstd-block-encoder.js')
  try {
    expect(() => Without.create(dictionary)).toThrow(/needs WebAssembly.*--jitless/)
  } finally {
    vi.unstubAllGlobals()
    vi.resetModules()
  }
})

test('a block is the caller’s own', () => {
  const block = encoder.encode(documents(1, 5)[0]!)!
  const copy = Buffer.from(block)
  encoder.encode(documents(1, 6)[0]!)
  expect(block).toEqual(copy)
})

test('documents take no more than at level 3 of libzstd', () => {
  const unseen = documents(300, 2)
  const theirs = unseen.map(
    value => compressUsingDict(createCCtx(), value, dictionary, 3).length - frameHeaderBytes(value)
  )
  const ours = unseen.map(value => encoder.encode(value)!.length)
  expect(sum(ours)).toBeLessThan(sum(theirs) * 1.01)
})

describe('no encoder is made', () => {
  test('of a dictionary that is content only', () => {
    expect(ZstdBlockEncoder.create(dictionaryContent(dictionary))).toBeUndefined()
    expect(ZstdBlockEncoder.create(new Uint8Array())).toBeUndefined()
  })

  test('where the tables cannot write offsets into all of the content', () => {
    // The tables end at offsets of 2^18: the content was 16 KiB when they were made.
    expect(ZstdBlockEncoder.create(Buffer.concat([dictionary, Buffer.alloc(200_000)]))).toBeDefined()
    expect(ZstdBlockEncoder.create(Buffer.concat([dictionary, Buffer.alloc(300_000)]))).toBeUndefined()
  })
})

function restoration(block: Buffer, value: Buffer, withDictionary: Buffer): string | undefined {
  try {
    return Buffer.compare(decoded(block, value.length, withDictionary), value) === 0 ? 'restored' : undefined
  } catch {
    return undefined
  }
}

test('whichever bit of the tables is damaged, what is encoded is restored by libzstd with the same damage, or it is refused', () => {
  const headerBytes = dictionary.length - dictionaryContent(dictionary).length
  const value = documents(1, 5)[0]!
  const outcomes = new Set<string>()
  for (const { bit, flipped } of everyBitFlipped(dictionary)) {
    if (bit < 64) continue
    if (bit >= headerBytes * 8) break
    let block: Buffer | undefined
    const code = thrownCode(() => (block = ZstdBlockEncoder.create(flipped)?.encode(value)))
    if (code !== undefined) outcomes.add(code)
    else if (block === undefined) outcomes.add('no encoder')
    else outcomes.add(restoration(block, value, flipped) ?? `bit ${bit} of byte ${bit >> 3} of ${headerBytes}`)
  }
  expect(outcomes).toEqual(new Set(['LEVEL_CORRUPTION', 'no encoder', 'restored']))
})

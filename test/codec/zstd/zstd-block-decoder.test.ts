import { compressUsingDict, createCCtx, createDCtx, decompressUsingDict, init } from '@bokuweb/zstd-wasm'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import {
  dictionaryContent,
  type ParsedDictionary,
  parseDictionary,
  withoutId
} from '../../../src/codec/dictionary/dictionary-format.js'
import { trainDictionary } from '../../../src/codec/dictionary/dictionary-training.js'
import { distribute } from '../../../src/codec/zstd-format/fse-distribution.js'
import { describeHuffmanCode } from '../../../src/codec/zstd-format/huffman-description.js'
import {
  PREDEFINED_LITERAL_LENGTHS,
  PREDEFINED_MATCH_LENGTHS,
  PREDEFINED_OFFSETS
} from '../../../src/codec/zstd-format/predefined-distributions.js'
import { ZstdBlockDecoder } from '../../../src/codec/zstd/zstd-block-decoder.js'
import { ZstdBlockEncoder } from '../../../src/codec/zstd/zstd-block-encoder.js'
import { everyBitFlipped, noise, text } from '../../support/sample-values.js'
import { seededRandom } from '../../support/seeded-random.js'
import { thrownCode } from '../../support/thrown-code.js'
import { documents } from '../dictionary/dictionary-samples.js'
import {
  codedLiterals,
  COMPRESSED,
  frameAround,
  type Mode,
  type Modes,
  plainLiterals,
  RAW,
  RLE,
  type Sequence,
  sequencesSection,
  TREELESS
} from './hand-made-blocks.js'

let trained: Buffer
let parsed: ParsedDictionary
let decoder: ZstdBlockDecoder

beforeAll(async () => {
  await init()
  trained = Buffer.from(withoutId((await trainDictionary(documents(2000), 8192))!))
  parsed = parseDictionary(trained)!
  decoder = new ZstdBlockDecoder(trained)
})

/** What libzstd makes of a block; undefined if it refuses it. */
function byLibzstd(block: Uint8Array, rawLength: number, dictionary: Uint8Array = trained): Buffer | undefined {
  try {
    return Buffer.from(decompressUsingDict(createDCtx(), frameAround(block, rawLength), dictionary))
  } catch {
    return undefined
  }
}

/** The block of a frame that libzstd made, where it is one compressed block. */
function blockOf(value: Uint8Array, dictionary: Uint8Array, level: number): Buffer | undefined {
  const frame = Buffer.from(compressUsingDict(createCCtx(), value, dictionary, level))
  const descriptor = frame[4]!
  const at = 5 + (descriptor & 32 ? 0 : 1) + [descriptor & 32 ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  const header = frame.readUIntLE(at, 3)
  return (header & 7) === 5 && at + 3 + (header >> 3) === frame.length ? frame.subarray(at + 3) : undefined
}

/** Letters in no order: they match nothing, and a code for text makes them shorter. */
function letters(length: number, seed = 1, alphabet = 20): Buffer {
  const random = seededRandom(seed)
  return Buffer.from(Array.from({ length }, () => 97 + Math.floor(random() * alphabet)))
}

const piece = fc.oneof(
  fc.nat(1000).map(seed => documents(1, seed)[0]!),
  fc
    .record({ length: fc.nat(300), seed: fc.integer({ min: 1, max: 1000 }) })
    .map(({ length, seed }) => noise(length, seed)),
  fc
    .record({ length: fc.nat(3000), seed: fc.nat(1000), alphabet: fc.integer({ min: 2, max: 60 }) })
    .map(({ length, seed, alphabet }) => letters(length, seed, alphabet)),
  fc.record({ length: fc.nat(700), byte: fc.nat(255) }).map(({ length, byte }) => Buffer.alloc(length, byte)),
  fc.nat(400).map(length => text(length))
)
const values = fc
  .record({ pieces: fc.array(piece, { maxLength: 12 }), times: fc.integer({ min: 1, max: 4 }) })
  .map(({ pieces, times }) => Buffer.concat(Array.from({ length: times }, () => pieces).flat()).subarray(0, 65_535))
const levels = fc.constantFrom(1, 3, 5, 9, 15, 19, 22)

describe('what libzstd compressed is restored', () => {
  test.each([
    ['in the format', () => trained],
    ['of content only', () => Buffer.from(dictionaryContent(trained))],
    ['that has nothing of it', () => text(500)],
    ['of three bytes', () => Buffer.from('abc')]
  ])('with a dictionary %s', (_, make) => {
    const dictionary = make()
    const own = new ZstdBlockDecoder(dictionary)
    let blocks = 0
    const property = fc.property(values, levels, (value, level) => {
      const block = blockOf(value, dictionary, level)
      if (block === undefined) return true
      blocks++
      return own.decode(block, value.length).equals(value)
    })
    expect(fc.check(property, { numRuns: 300 })).toMatchObject({ failed: false })
    expect(blocks).toBeGreaterThan(100)
  })

  test('one document after another, whatever was restored before', () => {
    for (const value of documents(300, 7)) {
      const block = blockOf(value, trained, 19)!
      expect(Buffer.compare(decoder.decode(block, value.length), value)).toBe(0)
    }
  })
})

test('what the encoder makes is restored', () => {
  const encoder = ZstdBlockEncoder.create(trained)!
  const property = fc.property(values, whole => {
    const value = whole.subarray(0, 16_383)
    const block = encoder.encode(value)
    return block === undefined || decoder.decode(block, value.length).equals(value)
  })
  expect(fc.check(property, { numRuns: 300 })).toMatchObject({ failed: false })
})

test('a value is the caller’s own', () => {
  const [first, second] = documents(2, 7)
  const value = decoder.decode(blockOf(first!, trained, 3)!, first!.length)
  decoder.decode(blockOf(second!, trained, 3)!, second!.length)
  expect(value).toEqual(first)
})

/** Distributions in which every code that is written has a cell. */
function predefinedModes(): Modes {
  return {
    literalLengths: { kind: 'predefined', distribution: PREDEFINED_LITERAL_LENGTHS },
    offsets: { kind: 'predefined', distribution: PREDEFINED_OFFSETS },
    matchLengths: { kind: 'predefined', distribution: PREDEFINED_MATCH_LENGTHS }
  }
}

function repeatedModes(): Modes {
  return {
    literalLengths: { kind: 'repeated', distribution: parsed.literalLengthCodes },
    offsets: { kind: 'repeated', distribution: parsed.offsetCodes },
    matchLengths: { kind: 'repeated', distribution: parsed.matchLengthCodes }
  }
}

const ONE_CODE: Modes = { literalLengths: 'one', offsets: 'one', matchLengths: 'one' }

function described(codes: number, accuracyLog: number): Mode {
  const counts = Array.from({ length: codes }, (_, code) => 1 + ((code * 7) % 5))
  return { kind: 'described', distribution: distribute(counts, accuracyLog) }
}

function describedModes(lengthsLog = 9, offsetsLog = 8): Modes {
  return {
    literalLengths: described(36, lengthsLog),
    offsets: described(32, offsetsLog),
    matchLengths: described(53, lengthsLog)
  }
}

function lengthOf(literals: Uint8Array, sequences: readonly Sequence[]): number {
  return literals.length + sequences.reduce((sum, { match }) => sum + match, 0)
}

/** What is restored, where libzstd restores the same. */
function restored(block: Buffer, rawLength: number): Buffer {
  const { ours, theirs } = byBoth(block, rawLength, decoder, trained)
  if (theirs === REFUSED || ours !== theirs) throw new Error(`${ours}, by libzstd ${theirs}`)
  return Buffer.from(ours, 'hex')
}

/** Whether a damaged block is refused as it should be, or restored as libzstd does. (That takes some that end in the middle of a literal.) */
function isRefusedOrSame(block: Uint8Array, rawLength: number, own: ZstdBlockDecoder, dictionary: Uint8Array): boolean {
  const { ours, theirs } = byBoth(block, rawLength, own, dictionary)
  return ours === REFUSED || ours === theirs
}

const REFUSED = 'LEVEL_CORRUPTION'

/** In hexadecimal digits, or how it is refused. */
function byBoth(block: Uint8Array, rawLength: number, own: ZstdBlockDecoder, dictionary: Uint8Array) {
  const theirs = byLibzstd(block, rawLength, dictionary)?.toString('hex') ?? REFUSED
  let ours: string | undefined
  const code = thrownCode(() => (ours = own.decode(block, rawLength).toString('hex')))
  return { ours: code ?? ours, theirs }
}

const SOME: readonly Sequence[] = [
  { literals: 5, match: 8, offsetValue: 3 + 100 },
  { literals: 0, match: 3, offsetValue: 3 + 2 },
  { literals: 40, match: 70, offsetValue: 3 + 1000 },
  { literals: 1, match: 300, offsetValue: 3 + 1 }
]

/** Makes a value longer than its block, which libzstd demands. */
const FROM_DICTIONARY: Sequence = { literals: 0, match: 60, offsetValue: 3 + 1000 }

const tree = () => describeHuffmanCode(Array.from({ length: 256 }, (_, byte) => (byte >= 97 && byte < 117 ? 99 : 1)))

describe('restores literals', () => {
  const sections: [string, (literals: Buffer) => Buffer][] = [
    ['raw', literals => plainLiterals(RAW, literals, 1)],
    ['raw, with a longer size than it takes', literals => plainLiterals(RAW, literals, 3)],
    ['in one stream', literals => codedLiterals(COMPRESSED, literals, tree(), 0)],
    ['in four streams, sizes of 10 bits', literals => codedLiterals(COMPRESSED, literals, tree(), 1)],
    ['in four streams, of 14', literals => codedLiterals(COMPRESSED, literals, tree(), 2)],
    ['in four streams, of 18', literals => codedLiterals(COMPRESSED, literals, tree(), 3)],
    [
      'in one stream, by the code of the dictionary',
      literals => codedLiterals(TREELESS, literals, parsed.huffmanCode, 0)
    ],
    ['in four, by the code of the dictionary', literals => codedLiterals(TREELESS, literals, parsed.huffmanCode, 2)]
  ]
  test.each(sections)('%s', (_, section) => {
    for (const length of [47, 48, 49, 50, 51, 300]) {
      const literals = letters(length)
      const block = Buffer.concat([section(literals), sequencesSection(SOME, repeatedModes())])
      const value = restored(block, lengthOf(literals, SOME))
      expect(value.subarray(0, 5)).toEqual(literals.subarray(0, 5))
    }
  })

  test.each([0, 1, 3] as const)('that are one byte over and over, with format %i', format => {
    const literals = Buffer.alloc(format === 0 ? 31 : 1000, 'x')
    const sequences = [{ literals: 9, match: 5, offsetValue: 7 }]
    const block = Buffer.concat([plainLiterals(RLE, literals, format), sequencesSection(sequences, predefinedModes())])
    expect(restored(block, lengthOf(literals, sequences))).toHaveLength(lengthOf(literals, sequences))
  })

  test.each([6, 7, 8, 9])('%i of them in four streams', length => {
    const sequences = [FROM_DICTIONARY, FROM_DICTIONARY]
    const section = codedLiterals(TREELESS, letters(length), parsed.huffmanCode, 1)
    const block = Buffer.concat([section, sequencesSection(sequences, predefinedModes())])
    expect(restored(block, lengthOf(letters(length), sequences))).toHaveLength(length + 120)
  })

  test('with weights of four bits each', () => {
    // Bytes 0, 1 and 2 have codes of 1, 2 and 2 bits; the last weight is not written.
    const description = Buffer.of(129, (2 << 4) | 1)
    const literals = Buffer.from(Array.from({ length: 60 }, (_, i) => i % 3))
    const block = Buffer.concat([
      codedLiterals(COMPRESSED, literals, description, 0),
      sequencesSection(SOME, predefinedModes())
    ])
    expect(restored(block, lengthOf(literals, SOME))).toHaveLength(lengthOf(literals, SOME))
  })

  test('none', () => {
    const sequences = [{ literals: 0, match: 500, offsetValue: 3 + 700 }]
    for (const format of [0, 1, 3] as const) {
      const block = Buffer.concat([
        plainLiterals(RAW, Buffer.alloc(0), format),
        sequencesSection(sequences, predefinedModes())
      ])
      expect(restored(block, 500)).toHaveLength(500)
    }
  })

  test('as many as a value can have', () => {
    const literals = letters(65_535)
    const block = Buffer.concat([
      codedLiterals(COMPRESSED, literals, tree(), 3),
      sequencesSection([], predefinedModes())
    ])
    expect(restored(block, literals.length)).toEqual(literals)
  })
})

describe('restores sequences', () => {
  test.each([
    ['predefined', predefinedModes],
    ['of the dictionary', repeatedModes],
    ['described, as large as can be', describedModes],
    ['described, as small as can be', () => describedModes(6, 5)],
    ['described, and of the dictionary', () => ({ ...describedModes(), offsets: repeatedModes().offsets })],
    ['predefined, and described', () => ({ ...predefinedModes(), matchLengths: describedModes().matchLengths })]
  ])('with tables that are %s', (_, modes) => {
    const literals = letters(46)
    const block = Buffer.concat([plainLiterals(RAW, literals, 1), sequencesSection(SOME, modes())])
    expect(restored(block, lengthOf(literals, SOME))).toHaveLength(lengthOf(literals, SOME))
  })

  test.each(['literalLengths', 'offsets', 'matchLengths'] as const)('that all have one code: %s', field => {
    const literals = letters(60)
    const sequences = Array.from({ length: 3 }, (_, i) => ({ literals: 16, match: 35, offsetValue: 64 + i }))
    for (const modes of [predefinedModes(), repeatedModes(), describedModes()]) {
      const block = Buffer.concat([
        plainLiterals(RAW, literals, 1),
        sequencesSection(sequences, { ...modes, [field]: 'one' })
      ])
      expect(restored(block, lengthOf(literals, sequences))).toHaveLength(lengthOf(literals, sequences))
    }
  })

  test('whose states take no bits at all', () => {
    const sequences = Array.from({ length: 200 }, () => ({ literals: 1, match: 4, offsetValue: 1 }))
    const literals = letters(200)
    const block = Buffer.concat([plainLiterals(RAW, literals, 1), sequencesSection(sequences, ONE_CODE)])
    expect(restored(block, lengthOf(literals, sequences))).toHaveLength(lengthOf(literals, sequences))
  })

  test.each([0, 2] as const)('if there are none, with a count of as few bytes as it takes, or of %i', countBytes => {
    const literals = letters(20)
    const block = Buffer.concat([plainLiterals(RAW, literals, 0), sequencesSection([], predefinedModes(), countBytes)])
    expect(decoder.decode(block, 20)).toEqual(literals)
  })

  test.each([127, 128, 20_000])('%i of them', count => {
    // Of three bytes, as short as a match can be.
    const sequences = Array.from({ length: count }, (_, i) => ({ literals: 0, match: 3, offsetValue: 100 + (i % 4) }))
    const block = Buffer.concat([plainLiterals(RAW, Buffer.alloc(0), 0), sequencesSection(sequences, ONE_CODE)])
    expect(restored(block, count * 3)).toHaveLength(count * 3)
  })

  test('unless there are more of them than fit into a value', () => {
    const sequences = Array.from({ length: 0x7f00 }, () => ({ literals: 0, match: 3, offsetValue: 2 }))
    const block = Buffer.concat([plainLiterals(RAW, Buffer.alloc(0), 0), sequencesSection(sequences, ONE_CODE)])
    expect(thrownCode(() => decoder.decode(block, 65_535))).toBe(REFUSED)
  })

  test('with offsets used before, with and without literals between', () => {
    const random = seededRandom(3)
    for (let round = 0; round < 200; round++) {
      const sequences = Array.from({ length: 12 }, () => ({
        literals: Math.floor(random() * 3),
        match: 3 + Math.floor(random() * 6),
        offsetValue: 1 + Math.floor(random() * 6)
      }))
      const literals = letters(sequences.reduce((sum, sequence) => sum + sequence.literals, 4))
      const block = Buffer.concat([plainLiterals(RAW, literals, 1), sequencesSection(sequences, predefinedModes())])
      const rawLength = lengthOf(literals, sequences)
      const { ours, theirs } = byBoth(block, rawLength, decoder, trained)
      expect(ours).toBe(theirs)
    }
  })

  test.each([1, 2, 3, 4, 5, 7, 8])('whose match repeats the last %i bytes', offset => {
    for (const match of [3, 4, 5, 6, 7, 8, 9, 63, 64, 65, 1000]) {
      const literals = letters(10)
      const sequences = [FROM_DICTIONARY, { literals: 10, match, offsetValue: offset + 3 }]
      const block = Buffer.concat([plainLiterals(RAW, literals, 1), sequencesSection(sequences, predefinedModes())])
      const value = restored(block, lengthOf(literals, sequences))
      expect(value.subarray(-match)).toEqual(Buffer.alloc(match, literals.subarray(-offset)))
    }
  })

  test('that reach to the first byte of the dictionary, and not before it', () => {
    const literals = letters(7)
    const reach = (offset: number) => {
      const sequences = [{ literals: 7, match: 40, offsetValue: offset + 3 }]
      return Buffer.concat([plainLiterals(RAW, literals, 1), sequencesSection(sequences, predefinedModes())])
    }
    const { content } = parsed
    const value = restored(reach(content.length + 7), 47)
    expect(Buffer.compare(value.subarray(7), content.subarray(0, 40))).toBe(0)
    expect(byLibzstd(reach(content.length + 8), 47)).toBeUndefined()
    expect(thrownCode(() => decoder.decode(reach(content.length + 8), 47))).toBe('LEVEL_CORRUPTION')
  })

  test('whose match begins in the dictionary and ends in the value', () => {
    const literals = letters(9)
    const sequences = [{ literals: 9, match: 30, offsetValue: 3 + 9 + 4 }]
    const block = Buffer.concat([plainLiterals(RAW, literals, 1), sequencesSection(sequences, predefinedModes())])
    expect(restored(block, 39).subarray(9, 22)).toEqual(Buffer.concat([parsed.content.subarray(-4), literals]))
  })

  test('of every length there is a code for', () => {
    for (let bits = 0; bits < 16; bits++) {
      for (const more of [0, 1, 2 ** bits - 1]) {
        const length = Math.min(2 ** bits + more, 32_000)
        const sequences = [FROM_DICTIONARY, { literals: length, match: length + 2, offsetValue: 3 + 20 }]
        const literals = letters(length)
        const block = Buffer.concat([plainLiterals(RLE, literals, 3), sequencesSection(sequences, predefinedModes())])
        expect(restored(block, lengthOf(literals, sequences))).toHaveLength(lengthOf(literals, sequences))
      }
    }
  })
})

describe('refused as corrupt, and by libzstd', () => {
  const literals = letters(50)
  const raw = plainLiterals(RAW, literals, 1)
  const refused: [string, () => Buffer][] = [
    ['nothing', () => Buffer.alloc(0)],
    ['literals and no more', () => raw],
    ['fewer literals than it says', () => raw.subarray(0, 20)],
    ['only the first byte of a literals section', () => Buffer.of(3)],
    ['bytes behind a block without sequences', () => Buffer.concat([raw, Buffer.of(0, 0)])],
    ['a count of sequences that is cut', () => Buffer.concat([raw, Buffer.of(255, 0)])],
    ['sequences without modes', () => Buffer.concat([raw, Buffer.of(1)])],
    ['reserved bits in the modes', () => Buffer.concat([raw, Buffer.of(1, 1, 0xff)])],
    ['sequences without a stream', () => Buffer.concat([raw, Buffer.of(1, 0)])],
    ['a stream that ends with zeros', () => Buffer.concat([raw, Buffer.of(1, 0, 0xff, 0)])],
    ['a code that no literal length has', () => Buffer.concat([raw, Buffer.of(1, 1 << 6, 36, 0xff, 0xff, 0xff)])],
    ['a code that no match length has', () => Buffer.concat([raw, Buffer.of(1, 1 << 2, 53, 0xff, 0xff, 0xff)])],
    ['a code that no offset has', () => Buffer.concat([raw, Buffer.of(1, 1 << 4, 32, 0xff, 0xff, 0xff)])],
    ['a table that is cut', () => Buffer.concat([raw, Buffer.of(1, 2 << 6, 0x30)])],
    ['literals of a code that is cut', () => Buffer.of(COMPRESSED, 0x40, 0x00, 100, 1, 2)],
    [
      'four streams that are longer than their section',
      () => Buffer.of(TREELESS | 4, 0x01, 2, 9, 0, 9, 0, 9, 0, 1, 1, 0)
    ],
    [
      'fewer sequences than its stream has',
      () => Buffer.concat([raw, Buffer.of(1), sequencesSection(SOME, predefinedModes()).subarray(1)])
    ],
    [
      'more sequences than its stream has',
      () => Buffer.concat([raw, Buffer.of(5), sequencesSection(SOME, predefinedModes()).subarray(1)])
    ]
  ]
  test.each(refused)('%s', (_, make) => {
    const block = make()
    const rawLength = lengthOf(literals, SOME)
    expect(byLibzstd(block, rawLength)).toBeUndefined()
    expect(thrownCode(() => decoder.decode(block, rawLength))).toBe('LEVEL_CORRUPTION')
  })

  test('another length than the value has', () => {
    const block = Buffer.concat([raw, sequencesSection(SOME, predefinedModes())])
    const rawLength = lengthOf(literals, SOME)
    for (const length of [0, 1, rawLength - 1, rawLength + 1, 65_535]) {
      expect(thrownCode(() => decoder.decode(block, length))).toBe('LEVEL_CORRUPTION')
    }
  })

  test('tables of a dictionary that has none', () => {
    const without = new ZstdBlockDecoder(parsed.content)
    const treeless = Buffer.concat([codedLiterals(TREELESS, literals, parsed.huffmanCode, 0), Buffer.of(0)])
    expect(thrownCode(() => without.decode(treeless, 50))).toBe('LEVEL_CORRUPTION')
    const modes = predefinedModes()
    for (const field of ['literalLengths', 'offsets', 'matchLengths'] as const) {
      const repeated = { ...modes, [field]: repeatedModes()[field] }
      const block = Buffer.concat([raw, sequencesSection(SOME, repeated)])
      expect(thrownCode(() => without.decode(block, lengthOf(literals, SOME)))).toBe('LEVEL_CORRUPTION')
    }
  })

  test('an offset of nothing', () => {
    const sequences = [
      { literals: 1, match: 3, offsetValue: 3 + 1 },
      { literals: 0, match: 3, offsetValue: 3 }
    ]
    const block = Buffer.concat([raw, sequencesSection(sequences, predefinedModes())])
    expect(byLibzstd(block, 56)).toBeUndefined()
    expect(thrownCode(() => decoder.decode(block, 56))).toBe('LEVEL_CORRUPTION')
  })

  test('a block that is longer than any value', () => {
    expect(thrownCode(() => decoder.decode(Buffer.alloc(70_000, 1), 65_535))).toBe('LEVEL_CORRUPTION')
    expect(thrownCode(() => decoder.decode(raw, 65_536))).toBe('LEVEL_CORRUPTION')
  })
})

describe('damaged blocks: an error where libzstd has one, and its bytes where it has none', () => {
  test('whichever bit is flipped', () => {
    const value = documents(1, 5)[0]!
    const content = Buffer.from(parsed.content)
    for (const dictionary of [trained, content]) {
      const own = new ZstdBlockDecoder(dictionary)
      for (const level of [3, 19]) {
        for (const { flipped } of everyBitFlipped(Buffer.from(blockOf(value, dictionary, level)!)))
          expect(isRefusedOrSame(flipped, value.length, own, dictionary)).toBe(true)
      }
    }
  })

  test('whatever bytes are changed, or cut off', () => {
    const own = new ZstdBlockDecoder(trained)
    const change = fc.record({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), byte: fc.nat(255) })
    const property = fc.property(
      values,
      levels,
      fc.array(change, { minLength: 1, maxLength: 5 }),
      fc.nat(30),
      (value, level, changes, cut) => {
        const block = blockOf(value.subarray(0, 4000), trained, level)
        if (block === undefined) return true
        const damaged = Buffer.from(block.subarray(0, Math.max(1, block.length - (cut > 10 ? 0 : cut))))
        // Most of what decides stands at the beginning of a section.
        for (const { at, byte } of changes) damaged[Math.floor(at * at * damaged.length)] = byte
        return isRefusedOrSame(damaged, Math.min(value.length, 4000), own, trained)
      }
    )
    expect(fc.check(property, { numRuns: 1500 })).toMatchObject({ failed: false })
  })

  test('and nothing that is needed for other values is touched', () => {
    const own = new ZstdBlockDecoder(trained)
    const [first, second] = documents(2, 5)
    const block = blockOf(first!, trained, 3)!
    for (const { flipped } of everyBitFlipped(Buffer.from(blockOf(second!, trained, 19)!))) {
      for (const length of [second!.length, 65_535]) thrownCode(() => own.decode(flipped, length))
      expect(own.decode(block, first!.length).equals(first!)).toBe(true)
    }
  })

  test('noise', () => {
    const property = fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.nat(300), (block, rawLength) =>
      isRefusedOrSame(block, rawLength, decoder, trained)
    )
    expect(fc.check(property, { numRuns: 3000 })).toMatchObject({ failed: false })
  })
})

test('where WebAssembly is switched off that is said', async () => {
  vi.resetModules()
  vi.stubGlobal('WebAssembly', undefined)
  const { ZstdBlockDecoder: Without } = await import('../../../src/codec/zstd/zstd-block-decoder.js')
  try {
    expect(() => new Without(trained)).toThrow(/needs WebAssembly.*--jitless/)
  } finally {
    vi.unstubAllGlobals()
    vi.resetModules()
  }
})

test('a dictionary whose tables are damaged is refused, or restores what libzstd does with the same damage', () => {
  const value = documents(1, 5)[0]!
  const block = blockOf(value, trained, 19)!
  const headerBytes = trained.length - parsed.content.length
  let refused = 0
  for (const { bit, flipped } of everyBitFlipped(trained)) {
    if (bit < 64) continue
    if (bit >= headerBytes * 8) break
    let own: ZstdBlockDecoder | undefined
    const code = thrownCode(() => (own = new ZstdBlockDecoder(flipped)))
    if (code !== undefined) refused++
    const isRight = own === undefined ? code === REFUSED : isRefusedOrSame(block, value.length, own, flipped)
    expect(isRight).toBe(true)
  }
  expect(refused).toBeGreaterThan(0)
})

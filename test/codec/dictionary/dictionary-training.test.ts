import { compressUsingDict, createCCtx, createDCtx, decompressUsingDict, init } from '@bokuweb/zstd-wasm'
import { compressSync, uncompressSync } from 'lz4-napi'
import { beforeAll, describe, expect, test } from 'vitest'
import { dictionaryContent } from '../../../src/codec/dictionary/dictionary-format.js'
import {
  MAX_SAMPLE_BYTES,
  MAX_TRAINING_BYTES,
  trainDictionary
} from '../../../src/codec/dictionary/dictionary-training.js'
import { noise, text } from '../../support/sample-values.js'
import { documents } from './dictionary-samples.js'

beforeAll(() => init())

const LEVEL = 3
const MAXIMA = [1024, 4096, 16_384, 65_536, 256 * 1024]

/** Bytes that Zstandard makes of the values, each alone; every one is restored and compared. */
function zstdBytes(values: readonly Uint8Array[], dictionary: Uint8Array): number {
  const [compressor, decompressor] = [createCCtx(), createDCtx()]
  const frames = values.map(value => compressUsingDict(compressor, value, dictionary, LEVEL))
  const restored = frames.map(frame => decompressUsingDict(decompressor, frame, dictionary))
  expect(restored.every((value, i) => Buffer.compare(value, values[i]!) === 0)).toBe(true)
  return sum(frames)
}

const NONE = new Uint8Array()

function sum(blocks: readonly Uint8Array[]): number {
  return blocks.reduce((total, block) => total + block.length, 0)
}

describe.each(MAXIMA)('a dictionary of at most %i bytes', maxBytes => {
  let dictionary: Uint8Array
  const unseen = documents(200, 2)

  beforeAll(async () => {
    dictionary = (await trainDictionary(documents(2000), maxBytes))!
  })

  test('is no larger than that, and nearly as large', () => {
    expect(dictionary.length).toBeLessThanOrEqual(maxBytes)
    expect(dictionary.length).toBeGreaterThan(Math.min(maxBytes, 16_384) * 0.97)
  })

  test('halves what Zstandard makes of documents that it has not seen', () => {
    expect(zstdBytes(unseen, dictionary)).toBeLessThan(zstdBytes(unseen, NONE) / 2)
  })

  test('saves more with its tables than its content does alone', () => {
    expect(zstdBytes(unseen, dictionary)).toBeLessThan(zstdBytes(unseen, dictionaryContent(dictionary)) * 0.95)
  })

  test('has content that LZ4 restores from', () => {
    const content = Buffer.from(dictionaryContent(dictionary))
    const blocks = unseen.map(value => compressSync(value, content))
    blocks.forEach((block, i) => expect(uncompressSync(block, content)).toEqual(unseen[i]))
    expect(sum(blocks)).toBeLessThan(sum(unseen.map(value => compressSync(value))) * 0.75)
  })
})

test('the most valuable content stands last: the last half saves most of what the whole saves', async () => {
  const dictionary = (await trainDictionary(documents(2000), 8192))!
  const content = dictionaryContent(dictionary)
  const unseen = documents(200, 2)
  const [front, back] = [content.subarray(0, content.length / 2), content.subarray(content.length / 2)]
  expect(zstdBytes(unseen, back)).toBeLessThanOrEqual(zstdBytes(unseen, front) * 1.02)
})

test('any byte can be written with it', async () => {
  const dictionary = (await trainDictionary(documents(500), 4096))!
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  expect(zstdBytes([noise(5000), noise(1), NONE, text(100_000), bytes], dictionary)).toBeGreaterThan(5000)
})

describe('the same samples', () => {
  test('give the same dictionary, also two at a time', async () => {
    const first = await trainDictionary(documents(500), 4096)
    const more = await Promise.all([1, 2].map(() => trainDictionary(documents(500), 4096)))
    for (const other of more) expect(other).toEqual(first)
  })

  test('may be changed once training has begun', async () => {
    const samples = documents(500)
    const training = trainDictionary(samples, 4096)
    for (const sample of samples) sample.fill(0)
    expect(await training).toEqual(await trainDictionary(documents(500), 4096))
  })

  test('are not changed', async () => {
    const samples = documents(500)
    await trainDictionary(samples, 4096)
    expect(samples).toEqual(documents(500))
  })
})

describe('no dictionary is made of', () => {
  test.each([
    ['nothing', []],
    ['empty samples', Array.from({ length: 100 }, () => NONE)],
    ['one sample', documents(1)],
    ['samples of one byte', Array.from({ length: 1000 }, (_, i) => Buffer.from([i & 7]))],
    ['samples of five equal bytes', Array.from({ length: 1000 }, () => Buffer.from('hello'))],
    ['one byte again and again, which needs none', Array.from({ length: 50 }, () => Buffer.alloc(300, 7))],
    ['two samples with nothing in common', [Buffer.from('abcdefghijklmnop'), Buffer.from('0123456789012345')]],
    ['a megabyte of noise', Array.from({ length: 1024 }, (_, i) => noise(1024, i + 1))],
    ['a little noise', Array.from({ length: 20 }, (_, i) => noise(100, i + 1))]
  ])('%s', async (_, samples) => {
    expect(await trainDictionary(samples, 4096)).toBeUndefined()
  })
})

describe('a dictionary that works is made of', () => {
  test.each([
    ['identical samples', Array.from({ length: 1000 }, () => documents(1)[0]!)],
    ['two identical samples', [documents(1)[0]!, documents(1)[0]!]],
    ['five samples', documents(5)],
    ['samples larger than are looked at', Array.from({ length: 200 }, (_, i) => Buffer.concat(documents(200, i)))],
    ['more samples than are looked at', documents(12_000)]
  ])('%s', async (_, samples) => {
    const dictionary = (await trainDictionary(samples, 4096))!
    expect(dictionary.length).toBeLessThanOrEqual(4096)
    const some = samples.slice(-20)
    expect(zstdBytes(some, dictionary)).toBeLessThan(zstdBytes(some, NONE))
  })
})

test('empty samples make no difference', async () => {
  const empty = Array.from({ length: 1000 }, () => NONE)
  const dictionary = await trainDictionary(documents(500), 4096)
  expect(await trainDictionary([...documents(500), ...empty], 4096)).toEqual(dictionary)
})

test('what only the last samples have in common, by which the choice is judged, is in the dictionary as well', async () => {
  const last = Array.from({ length: 60 }, (_, i) => Buffer.from(`${i} comes with something that is new here`))
  const dictionary = (await trainDictionary([...documents(440), ...last], 16_384))!
  expect(Buffer.from(dictionaryContent(dictionary)).toString()).toContain('comes with something that is new here')
})

test('only the beginning of large samples is used', async () => {
  const heads = Array.from({ length: 20 }, (_, i) => Buffer.concat(documents(80, i)).subarray(0, MAX_SAMPLE_BYTES))
  const longer = heads.map((head, i) => Buffer.concat([head, text(10_000 + i)]))
  expect(heads[0]).toHaveLength(MAX_SAMPLE_BYTES)
  expect(await trainDictionary(longer, 4096)).toEqual(await trainDictionary(heads, 4096))
})

test('of too many samples, some from everywhere are used', async () => {
  // Three kinds one behind the other, each more than all that is looked at.
  const kinds = ['alpha', 'bravo', 'charlie'].map(kind =>
    Array.from({ length: Math.ceil(MAX_TRAINING_BYTES / 100) }, (_, i) =>
      Buffer.from(`${kind} record ${i} `.padEnd(110, `of the kind ${kind}; `))
    )
  )
  const content = Buffer.from(dictionaryContent((await trainDictionary(kinds.flat(), 16_384))!)).toString()
  for (const kind of ['alpha', 'bravo', 'charlie']) expect(content).toContain(`of the kind ${kind}`)
})

test('the event loop runs meanwhile', async () => {
  let turns = 0
  let training = true
  const turn = () => {
    turns++
    if (training) setImmediate(turn)
  }
  setImmediate(turn)
  await trainDictionary(documents(5000), 65_536)
  training = false
  expect(turns).toBeGreaterThan(5)
})

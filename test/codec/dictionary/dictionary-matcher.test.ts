import * as fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { DictionaryMatcher } from '../../../src/codec/dictionary/dictionary-matcher.js'
import {
  MATCHER_FUNCTIONS,
  type MatcherFunctions,
  MAX_INDEXED_BYTES,
  MAX_VALUE_BYTES,
  MEMORY_BYTES
} from '../../../src/codec/dictionary/matcher-functions.js'
import { allSteps } from '../../../src/codec/steps.js'
import { wasmInstances } from '../../../src/codec/wasm-instances.js'
import { noise, text } from '../../support/sample-values.js'
import { documents } from './dictionary-samples.js'

const CONTENT = Buffer.concat(documents(40))
const REPEATS = [1, 4, 8] as const

const matcherOf = (content: Buffer) => allSteps(DictionaryMatcher.create(content, REPEATS))
const matcher = matcherOf(CONTENT)

/** What a decoder makes of what was found in a value (RFC 8878, 3.1.1.4 and 3.1.1.5). */
function restored(content: Buffer, value: Buffer, found = matcher): Buffer {
  const { count, literalLengths, matchLengths, offsetValues, literalBytes, literals } = found.parse(value)
  const window = Buffer.alloc(content.length + value.length)
  content.copy(window)
  let to = content.length
  let literal = 0
  let offsets: number[] = [...REPEATS]
  for (let i = 0; i < count; i++) {
    for (let left = literalLengths[i]!; left > 0; left--) window[to++] = literals[literal++]!
    const offsetValue = offsetValues[i]!
    const place = offsetValue + (literalLengths[i] === 0 ? 1 : 0)
    const offset = offsetValue > 3 ? offsetValue - 3 : place > 3 ? offsets[0]! - 1 : offsets[place - 1]!
    const isUsedBefore = offsetValue <= 3 && place <= 3
    offsets = [offset, ...offsets.filter((_, at) => at !== (isUsedBefore ? place - 1 : 2))]
    for (let left = matchLengths[i]!; left > 0; left--, to++) window[to] = window[to - offset]!
  }
  for (; literal < literalBytes; literal++) window[to++] = literals[literal]!
  return window.subarray(content.length, to)
}

const piece = fc.oneof(
  fc
    .record({ from: fc.nat(8000), length: fc.nat(300) })
    .map(({ from, length }) => CONTENT.subarray(from, from + length)),
  fc
    .record({ length: fc.nat(60), seed: fc.integer({ min: 1, max: 20 }) })
    .map(({ length, seed }) => noise(length, seed)),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(200))
    .map(([unit, bytes]) => Buffer.alloc(bytes, unit)),
  fc.nat(400).map(length => text(length))
)
const values = fc.array(piece, { maxLength: 12 }).map(pieces => Buffer.concat(pieces))

test.each([
  ['documents', CONTENT],
  ['eight bytes', Buffer.from('abcdefgh')],
  ['one byte over and over', Buffer.alloc(500, 'a')]
])('what is found is the value again, with %s for content', (_, content) => {
  const found = matcherOf(content)
  const property = fc.property(values, value => restored(content, value, found).equals(value))
  expect(fc.check(property, { numRuns: 1000 })).toMatchObject({ failed: false })
})

test('no more literals and sequences than there is room for', () => {
  const most = MAX_VALUE_BYTES
  for (const value of [
    noise(most),
    text(most),
    Buffer.alloc(most),
    Buffer.concat([CONTENT, CONTENT]).subarray(0, most)
  ])
    expect(restored(CONTENT, value).equals(value)).toBe(true)
})

test('is found at both ends of the content, and up to where it is looked at', () => {
  const [first, last, beyond] = [noise(100, 1), noise(100, 2), noise(100, 3)]
  const large = matcherOf(Buffer.concat([first, Buffer.alloc(MAX_INDEXED_BYTES - 200), last, beyond]))
  const literalsOf = (value: Buffer, found = large) => found.parse(value).literalBytes
  expect([first, last, beyond].map(value => literalsOf(value))).toEqual([0, 0, 100])
  expect([CONTENT.subarray(0, 100), CONTENT.subarray(-100)].map(value => literalsOf(value, matcher))).toEqual([0, 0])
})

test('is found where the content is no longer than what is looked for', () => {
  const content = Buffer.from('abcdefgh')
  expect(matcherOf(content).parse(content).literalBytes).toBe(0)
})

test('the numbers by which earlier values are told apart begin again before they grow too large', () => {
  const stamps: number[] = []
  const instance = wasmInstances<MatcherFunctions>('A test', MATCHER_FUNCTIONS, MEMORY_BYTES)(CONTENT.length)
  const watched = {
    ...instance,
    parse: (begin: number, end: number, stamp: number, ...offsets: [number, number, number]) => {
      stamps.push(stamp)
      return instance.parse(begin, end, stamp, ...offsets)
    }
  }
  const found = allSteps(DictionaryMatcher.create(CONTENT, REPEATS, watched))
  const value = Buffer.alloc(MAX_VALUE_BYTES, 'a')
  for (let i = 0; i < 1025; i++) found.parse(value)
  expect(Math.max(...stamps)).toBe(2 ** 24 - MAX_VALUE_BYTES)
  expect(stamps.at(-1)).toBe(0)
  expect(restored(CONTENT, CONTENT.subarray(50, 250), found)).toEqual(CONTENT.subarray(50, 250))
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

test('an error says so if WebAssembly is switched off', async () => {
  vi.resetModules()
  vi.stubGlobal('WebAssembly', undefined)
  const { DictionaryMatcher: Without } = await import('../../../src/codec/dictionary/dictionary-matcher.js')
  expect(() => allSteps(Without.create(CONTENT, REPEATS))).toThrow(/needs WebAssembly.*--jitless/)
})

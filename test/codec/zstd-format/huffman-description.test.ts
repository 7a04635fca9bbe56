import { describe, expect, test } from 'vitest'
import { codeLengths, describeHuffmanCode } from '../../../src/codec/zstd-format/huffman-description.js'
import { seededRandom } from '../../support/seeded-random.js'
import { readCodeBits } from '../dictionary/dictionary-second-reader.js'

const random = seededRandom(3)
const SHAPES: Record<string, (byte: number) => number> = {
  'all the same': () => 1,
  'nearly the same': byte => 100 + (byte % 3),
  'one above all': byte => (byte === 65 ? 1_000_000 : 1),
  'the last above all': byte => (byte === 255 ? 1_000_000 : 1),
  'twice as many each time': byte => 1 + Math.floor(2 ** (byte / 6)),
  'Fibonacci, which asks for codes too long': byte =>
    [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584][byte] ?? 1,
  letters: byte => 1 + (byte >= 97 && byte <= 122 ? 1000 - (byte - 97) * 30 : 0),
  scattered: () => 1 + Math.floor(2 ** (random() * 20))
}

describe.each(Object.entries(SHAPES))('counts that are %s', (_, countOf) => {
  const counts = Array.from({ length: 256 }, (__, byte) => countOf(byte))

  test('give a description that an independent reader reads: a whole code, of at most 11 bits, for every byte', () => {
    const description = describeHuffmanCode(counts)
    expect(description[0]).toBe(description.length - 1)
    expect(description[0]).toBeLessThan(128)
    const bits = readCodeBits(Buffer.from(description.subarray(1)))
    expect(bits).toHaveLength(256)
    expect(Math.min(...bits)).toBeGreaterThan(0)
    expect(Math.max(...bits)).toBeLessThanOrEqual(11)
    expect(bits.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1)
  })

  test('give more frequent bytes no longer codes', () => {
    const lengths = codeLengths(counts, 11)
    const order = counts.map((_count, byte) => byte).sort((a, b) => counts[b]! - counts[a]!)
    const steps = order.slice(1).map((byte, i) => [byte, order[i]!] as const)
    for (const [rarer, before] of steps.filter(([a, b]) => counts[a]! < counts[b]!)) {
      expect(lengths[rarer]).toBeGreaterThanOrEqual(lengths[before]!)
    }
  })
})

test('where nothing is too long the code is Huffman’s own', () => {
  // Huffman's tree costs the sum of all its inner nodes.
  const counts = [45, 13, 12, 16, 9, 5, 1, 1, 30]
  const queue = [...counts]
  let best = 0
  while (queue.length > 1) {
    queue.sort((a, b) => a - b)
    const node = queue.shift()! + queue.shift()!
    best += node
    queue.push(node)
  }
  const lengths = codeLengths(counts, 11)
  expect(counts.reduce((sum, count, i) => sum + count * lengths[i]!, 0)).toBe(best)
})

test('a bound on the lengths is kept at the least cost', () => {
  // Of all codes for these counts with lengths up to 3, looked through one by one.
  const counts = [1, 1, 2, 3, 5, 8]
  let best = Infinity
  for (let code = 0; code < 3 ** counts.length; code++) {
    const lengths = counts.map((_, i) => (Math.floor(code / 3 ** i) % 3) + 1)
    if (lengths.reduce((sum, length) => sum + 2 ** -length, 0) > 1) continue
    best = Math.min(
      best,
      counts.reduce((sum, count, i) => sum + count * lengths[i]!, 0)
    )
  }
  const lengths = codeLengths(counts, 3)
  expect(counts.reduce((sum, count, i) => sum + count * lengths[i]!, 0)).toBe(best)
})

import { TensorCache } from 'compressed-kv/tensor-cache'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { memoryStore, tokens } from './tensors.js'

const FACTS = { model: 'm', dtype: 'f32', layers: 1, maxBytes: 1e9 } as const

/** The chunk at `start` of a tensor, number by number: the obvious way. */
function chunkAt(data: Float32Array, whole: readonly number[], axis: number, start: number, length: number): number[] {
  const numbers: number[] = []
  for (let at = 0; at < data.length; at++) {
    const inner = whole.slice(axis + 1).reduce((product, extent) => product * extent, 1)
    const token = Math.floor(at / inner) % whole[axis]!
    if (token >= start && token < start + length) numbers.push(data[at]!)
  }
  return numbers
}

it('may be anywhere: a sequence is split into chunks along it, and merged again', async () => {
  const shapes = fc
    .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 })
    .chain(shape => fc.record({ shape: fc.constant(shape), seqAxis: fc.nat(shape.length - 1) }))
  await fc.assert(
    fc.asyncProperty(shapes, fc.integer({ min: 1, max: 4 }), fc.nat(3), async ({ shape, seqAxis }, chunks, more) => {
      const cache = new TensorCache(memoryStore(), { ...FACTS, shape, seqAxis })
      const { chunkTokens } = cache
      const held = chunks * chunkTokens + more
      const whole = shape.with(seqAxis, held)
      const data = Float32Array.from({ length: whole.reduce((product, extent) => product * extent, 1) }, (_, i) => i)
      const sequence = tokens(chunks * chunkTokens)
      expect(await cache.putPrefix(sequence, [data])).toBe(sequence.length)
      for (const chunk of cache.chunksOf(sequence)) {
        const [layer] = (await cache.getLayers(chunk))!
        expect([...layer!]).toEqual(chunkAt(data, whole, seqAxis, chunk.start, chunkTokens))
      }
      const expected = chunkAt(data, whole, seqAxis, 0, sequence.length)
      expect([...(await cache.getPrefix(sequence))!.layers[0]!]).toEqual(expected)
    }),
    { numRuns: 150 }
  )
})

it.each([
  { name: 'batch, heads, sequence, dim', shape: [1, 2, 2, 3], seqAxis: 2 },
  { name: 'tokens first', shape: [2, 2, 3], seqAxis: 0 },
  { name: 'batch, heads, dim, sequence', shape: [1, 2, 3, 2], seqAxis: 3 }
])('puts chunks that were stored one by one together: $name', async ({ shape, seqAxis }) => {
  const cache = new TensorCache(memoryStore(), { ...FACTS, shape, seqAxis })
  const chunks = cache.chunksOf(tokens(4))
  const layers = [0, 12].map(first => Float32Array.from({ length: 12 }, (_, i) => first + i))
  for (const [i, chunk] of chunks.entries()) await cache.putLayers(chunk, [layers[i]!])
  const merged = (await cache.getPrefix(tokens(4)))!.layers[0]!
  const whole = shape.with(seqAxis, 4)
  expect(chunkAt(merged, whole, seqAxis, 0, 2)).toEqual([...layers[0]!])
  expect(chunkAt(merged, whole, seqAxis, 2, 2)).toEqual([...layers[1]!])
})

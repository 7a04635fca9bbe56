import { describe, expect, it } from 'vitest'
import { bitsPerByte, MAX_COUNTED } from '../../src/codec/entropy.js'
import { MIN_SAMPLED_BYTES, sample } from '../../src/codec/sample.js'
import { noise, text } from '../support/sample-values.js'
import { gaussian } from './tensor/tensor-values.js'

function counted(bytes: Uint8Array): number {
  const counts = new Uint16Array(256)
  for (const byte of bytes) counts[byte]!++
  return bitsPerByte(counts, bytes.length)
}

describe('bitsPerByte', () => {
  it.each([1, 2, 4, 16, 256])('is the logarithm of how many bytes are equally frequent: %i', distinct => {
    expect(counted(Uint8Array.from({ length: MAX_COUNTED }, (_, i) => i % distinct))).toBeCloseTo(Math.log2(distinct))
  })

  it('is less if some bytes are rarer', () => {
    expect(counted(Uint8Array.of(0, 0, 0, 1))).toBeCloseTo(0.25 * 2 + 0.75 * Math.log2(4 / 3))
  })
})

describe('a sample', () => {
  it('of one byte has no entropy and nothing but repeats', () => {
    for (const byte of [0, 7]) {
      const { bitsPerByte: bits, repeats } = sample(Buffer.alloc(5000, byte))
      expect(bits).toBe(0)
      expect(repeats).toBeGreaterThan(0.99)
    }
  })

  it('of noise has 8 bits a byte and no repeats, however many values are not in it', () => {
    for (const length of [MIN_SAMPLED_BYTES, 5000, 1_000_000]) {
      const { bitsPerByte: bits, repeats } = sample(noise(length))
      expect(bits).toBeGreaterThan(7.7)
      expect(bits).toBeLessThan(8.1)
      expect(repeats).toBe(0)
    }
  })

  it('of text has fewer bits, and repeats', () => {
    const { bitsPerByte: bits, repeats } = sample(text(100_000))
    expect(bits).toBeLessThan(5.5)
    expect(repeats).toBeGreaterThan(0.5)
  })

  it('of base64 has six bits and no repeats', () => {
    const { bitsPerByte: bits, repeats } = sample(Buffer.from(noise(5000).toString('base64')))
    expect(bits).toBeGreaterThan(5.8)
    expect(bits).toBeLessThan(6.1)
    expect(repeats).toBeLessThan(0.01)
  })

  it('tells bf16 from f16', () => {
    expect(sample(gaussian('bf16', 100_000)).bitsPerByte).toBeLessThan(6.6)
    expect(sample(gaussian('f16', 100_000)).bitsPerByte).toBeGreaterThan(7)
  })

  it('gives the same result each time', () => {
    const alone = sample(noise(5000))
    sample(text(5000))
    expect(sample(noise(5000))).toEqual(alone)
  })

  it('looks at every part of a value', () => {
    for (let part = 0; part < 4; part++) {
      const value = Buffer.alloc(100_000)
      noise(25_000).copy(value, part * 25_000)
      expect(sample(value).bitsPerByte).toBeGreaterThan(1)
    }
  })

  it('does not change the value', () => {
    const value = text(5000)
    sample(value)
    expect(value.equals(text(5000))).toBe(true)
  })
})

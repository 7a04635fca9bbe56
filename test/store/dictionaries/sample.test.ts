import { expect, it } from 'vitest'
import { lz4 } from '../../../src/index.js'
import { SmallValueSample } from '../../../src/store/dictionaries/small-value-sample.js'

it('a sample is of bounded size, however long keys are', () => {
  const sample = new SmallValueSample()
  const value = Buffer.alloc(100)
  for (let i = 0; i < 100; i++) {
    const key = Buffer.alloc(1024 * 1024)
    key.writeUInt8(i)
    sample.add(key, value, lz4())
    sample.add(Buffer.from(`short ${i}`), value, lz4())
  }
  const taken = sample.inOrder()
  expect(taken).toHaveLength(100)
  expect(taken.reduce((sum, { key }) => sum + key.length, 0)).toBeLessThan(1024 * 1024)
  expect(sample.seenBytes).toBe(200 * value.length)
})

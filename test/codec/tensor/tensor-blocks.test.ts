import { expect, test } from 'vitest'
import { blockwise, MAX_BLOCKS } from '../../../src/codec/tensor/tensor-blocks.js'

test('blocks begin in order, four at a time', async () => {
  const begun: number[] = []
  const ends: (() => void)[] = []
  const done = blockwise(10, block => {
    begun.push(block)
    return new Promise(resolve => ends.push(resolve))
  })
  expect(begun).toEqual([0, 1, 2, 3])
  expect(MAX_BLOCKS).toBe(4)
  ends[2]!()
  await Promise.resolve()
  expect(begun).toEqual([0, 1, 2, 3, 4])
  for (let i = 0; i < 10; i++) {
    ends[i]!()
    await Promise.resolve()
  }
  await done
  expect(begun).toEqual(Array.from({ length: 10 }, (_, i) => i))
})

test('when one fails, no further one begins', async () => {
  const begun: number[] = []
  const work = async (block: number) => {
    begun.push(block)
    await Promise.resolve()
    if (block === 1) throw new Error('no')
  }
  await expect(blockwise(100, work)).rejects.toThrow('no')
  await new Promise(setImmediate)
  expect(begun.length).toBeLessThan(10)
})

test('of no blocks nothing begins', async () => {
  await expect(blockwise(0, () => Promise.reject(new Error('no')))).resolves.toBeUndefined()
})

import { expect, it } from 'vitest'
import { main } from '../../examples/cache-kv-tensors.js'
import { printedBy } from './printed.js'

it('gives bf16 tensors back bit for bit after a restart, without a copy, in less space', async () => {
  const { result, lines, left } = await printedBy(main)
  expect(result).toMatchObject({ layers: 12, identical: 12, aligned: 12, bytesIn: 12 * 256 * 1024 })
  // Gaussian bf16 has 10.5 bits of entropy in 16: a ratio below 0.65 would be a mistake in the data.
  expect(result.bytesStored / result.bytesIn).toBeGreaterThan(0.65)
  expect(result.bytesStored / result.bytesIn).toBeLessThan(0.8)
  expect(result.bytesOnDisk).toBeGreaterThan(result.bytesStored)
  expect(result.bytesOnDisk).toBeLessThan(1.05 * result.bytesStored)
  expect(lines).toHaveLength(3)
  expect(lines[0]).toBe('12 layers of 64 tokens: 3145728 bytes raw')
  expect(left).toEqual([])
})

it('takes the length of the context as an argument', async () => {
  const { result } = await printedBy(() => main(['8']))
  expect(result).toMatchObject({ identical: 12, bytesIn: 12 * 32 * 1024 })
})

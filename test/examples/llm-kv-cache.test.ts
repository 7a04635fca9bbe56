import { expect, it } from 'vitest'
import { main } from '../../examples/llm-kv-cache.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { TINY, writeTinyModel } from './llm-kv-cache/tiny-model.js'
import { printedBy } from './printed.js'

it('without a checkpoint says that its tensors are noise, and gives them back bit for bit', async () => {
  const { result, lines, left } = await printedBy(main)
  expect(result).toMatchObject({ reusedTokens: 512, identical: true, bytesRaw: 8 * 512 * 2 * 64 * 2 })
  // Gaussian bf16 has 10.5 bits of entropy in 16.
  expect(result.bytesStored / result.bytesRaw).toBeGreaterThan(0.65)
  expect(result.bytesStored / result.bytesRaw).toBeLessThan(0.8)
  expect(lines[0]).toContain('seeded Gaussian tensors')
  expect(lines).toHaveLength(3)
  expect(left).toEqual([])
})

it('with a checkpoint goes on the same way from cached keys and values as from computed ones', async () => {
  const { checkpoint } = writeTinyModel(temporaryDirectory())
  const args = ['--checkpoint', checkpoint, '--prefix', '32', '--chunk', '8', '--length', '16']
  const { result, lines, left } = await printedBy(() => main(args))
  const bytesPerToken = (2 * TINY.layers * TINY.kvHeads * TINY.dim * 4) / TINY.heads
  expect(result).toMatchObject({ prefixTokens: 32, reusedTokens: 32, identical: true })
  expect(result.bytesRaw % (8 * bytesPerToken)).toBe(0)
  expect(result.bytesStored).toBeGreaterThan(0)
  expect(lines.slice(-4)[0]).toBe('continuation with the cache, after a restart: identical token for token')
  expect(lines.slice(-4)[1]).toMatch(/^32 of \d+ tokens were not computed again$/)
  expect(left).toEqual([])
})

it('refuses a prompt that the model has no room for', async () => {
  const { checkpoint } = writeTinyModel(temporaryDirectory())
  await expect(printedBy(() => main(['--checkpoint', checkpoint, '--chunk', '8']))).rejects.toThrow('lower --prefix')
})

import { expect, it } from 'vitest'
import { main } from '../../examples/codec-per-workload.js'
import { printedBy } from './printed.js'

it('writes each kind of value with its own codec, and reads all of them after the codecs were changed', async () => {
  const { result, lines, left } = await printedBy(main)
  expect(values(result.first)).toEqual({ lz4: 2, none: 1, zstd: 2 })
  expect(values(result.second)).toEqual({ lz4: 1, zstd: 1 })
  for (const name of ['lz4', 'zstd'])
    expect(result.first[name]!.bytesStored).toBeLessThan(result.first[name]!.bytesIn / 4)
  expect(result.first.none!.bytesStored).toBeGreaterThan(result.first.none!.bytesIn)
  expect(result.values).toHaveLength(7)
  // In the order of their keys: !archive!2019, page:about, page:home, page:live, page:manual, secret:1, session:1.
  expect(result.values.map(value => value.split('\n')[0])).toMatchObject([
    '0 order shipped',
    '0 <p>About us</p>',
    '0 <li>Documentation</li>',
    '0 <li>Now playing</li>',
    '0 <p>The manual</p>',
    expect.stringMatching(/^[A-Za-z0-9+/]{4000}$/),
    '0 visited /docs'
  ])
  expect(lines).toHaveLength(6)
  expect(lines.at(-1)).toBe('readable at the end: 7 values, 7 of them different')
  expect(left).toEqual([])
})

function values(byCodec: Record<string, { readonly values: number }>): Record<string, number> {
  return Object.fromEntries(Object.entries(byCodec).map(([name, stats]) => [name, stats.values]))
}

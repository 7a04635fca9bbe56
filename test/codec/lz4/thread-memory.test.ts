import { expect, test } from 'vitest'
import { lz4 } from '../../../src/codec/lz4/lz4.js'
import { noise } from '../../support/sample-values.js'

const MIB = 1024 * 1024

/** Results of 4 MiB each, 1 GiB of them, in which a thread of the pool would keep what others gave back. */
test.each(['compress', 'decompress'] as const)('%s leaves no memory behind in the threads of the pool', async way => {
  const codec = lz4()
  const raw = noise(4 * MIB)
  const compressed = await codec.compress(raw)
  const before = process.memoryUsage().rss
  let calls = 0
  const caller = async () => {
    while (calls++ < 256) await (way === 'compress' ? codec.compress(raw) : codec.decompress(compressed, raw.length))
  }
  await Promise.all([caller(), caller(), caller()])
  expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(256)
})

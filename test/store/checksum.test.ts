import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../src/index.js'
import type { Wrappable } from '../../src/store/backend/any-level.js'
import { memory } from '../support/memory-store.js'
import { noise } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const AS_BYTES = { valueEncoding: 'buffer' } as const
const classic = () => new Level<string, Buffer>(temporaryDirectory(), AS_BYTES)

/** Bytes that the store put behind a value that is not compressed. */
async function trailer(backend: Wrappable<string, Buffer>, checksum: 'auto' | 'always', length: number, ttl?: number) {
  const store = new CompressedKvStore(backend, { checksum, codec: 'none' })
  await store.put('k', noise(length), { ttl })
  expect((await store.get('k'))?.equals(noise(length))).toBe(true)
  await store.flush()
  const stored = (await store.backend.get<string, Buffer>('k', AS_BYTES))!
  await store.close()
  return stored.subarray(length)
}

const UNCHECKED = Buffer.from([0])

describe('the checksum of a short raw value', () => {
  it('is left out over LevelDB, which has its own, below 512 bytes', async () => {
    expect(await trailer(classic(), 'auto', 511)).toEqual(UNCHECKED)
    expect(await trailer(classic(), 'auto', 0)).toEqual(UNCHECKED)
    expect((await trailer(classic(), 'auto', 512)).length).toBe(5)
  })

  it('is left out in a sublevel of LevelDB', async () => {
    const sublevel = classic().sublevel<string, Buffer>('s', AS_BYTES)
    expect(await trailer(sublevel, 'auto', 100)).toEqual(UNCHECKED)
  })

  it('is there over every other backend', async () => {
    expect((await trailer(memory(), 'auto', 100)).length).toBe(5)
    expect((await trailer(memory().sublevel<string, Buffer>('s', AS_BYTES), 'auto', 100)).length).toBe(5)
  })

  it('is there if it is asked for, and where the value may expire', async () => {
    expect((await trailer(classic(), 'always', 100)).length).toBe(5)
    expect((await trailer(classic(), 'auto', 100, 1000)).length).toBe(11)
  })
})

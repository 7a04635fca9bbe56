import { Level } from 'level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore, type CompressedKvStoreOptions } from '../../src/index.js'
import type { Wrappable } from '../../src/store/backend/any-level.js'
import { text } from '../support/sample-values.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

type Bytes = CompressedKvStoreOptions<string, Buffer>

/** Lengths, of those tried, that were compressed. */
async function compressed(backend: Wrappable<string, Buffer>, options: Omit<Bytes, 'keyEncoding'>): Promise<number[]> {
  const store = new CompressedKvStore<string, Buffer>(backend, { ...options, valueEncoding: 'buffer' })
  const lengths: number[] = []
  for (const length of [1023, 1024, 4095, 4096]) {
    const before = store.stats().raw.belowMinSize
    await store.put('key', text(length))
    await store.flush()
    if (store.stats().raw.belowMinSize === before) lengths.push(length)
  }
  await store.close()
  return lengths
}

const levelDb = () => new Level<string, Buffer>(temporaryDirectory(), { valueEncoding: 'buffer' })
const memory = () => new MemoryLevel<string, Buffer>({ valueEncoding: 'buffer' })

describe('without minSize', () => {
  it('LZ4 over LevelDB is tried from the size of its blocks on, where Snappy sees no neighbours', async () => {
    expect(await compressed(levelDb(), { codec: 'lz4' })).toEqual([4096])
  })

  it('Zstandard over LevelDB, and LZ4 elsewhere, are tried from 1 KiB on', async () => {
    expect(await compressed(levelDb(), { codec: 'zstd' })).toEqual([1024, 4095, 4096])
    expect(await compressed(memory(), { codec: 'lz4' })).toEqual([1024, 4095, 4096])
  })
})

it('minSize holds for every codec and backend', async () => {
  expect(await compressed(levelDb(), { codec: 'lz4', minSize: 1024 })).toEqual([1024, 4095, 4096])
  expect(await compressed(levelDb(), { codec: 'zstd', minSize: 4096 })).toEqual([4096])
})

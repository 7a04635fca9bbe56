import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { CODEC_ID, CompressedKvStore, type CompressedKvStoreOptions } from '../../../src/index.js'
import { envelopeOf, openMode } from '../../support/gc-store.js'
import { noise, text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { deflate } from '../../support/user-codecs.js'

type Options = CompressedKvStoreOptions<string, Buffer>

/** Raw values of these lengths, swept by a store with these options: the codec and level of each, by id. */
async function swept(options: Options, values: Record<string, Buffer>) {
  const { store, backend } = await openMode('write-through', undefined, options)
  for (const [key, value] of Object.entries(values)) await store.put(key, value, { codec: 'none' })
  const report = await store.gc.run()
  const codecs: Record<string, number> = {}
  for (const key of Object.keys(values)) codecs[key] = (await envelopeOf(backend, key)).codecId
  expect(await store.getMany(Object.keys(values))).toEqual(Object.values(values))
  expect(await store.gc.run()).toMatchObject({ recompressed: 0, probed: 0 })
  await store.close()
  return { report, codecs }
}

/** Whether a sweep goes on where one with other, or the same, options has stopped. */
async function resumed(codec: Options['codec'], later = codec): Promise<boolean> {
  const { store, backend } = await openMode('write-through', undefined, { codec })
  await store.batch(Array.from({ length: 300 }, (_, i) => ({ type: 'put', key: `k${i}`, value: text(2000) })))
  const stop = new AbortController()
  await store.gc.run({ signal: stop.signal, onProgress: () => stop.abort() })
  await store.close()
  const again = await openMode('write-through', backend, { codec: later })
  const report = await again.store.gc.run()
  await again.store.close()
  expect(report.complete).toBe(true)
  return report.resumed
}

describe('without a policy, a sweep makes of old values what the store makes of new ones', () => {
  it('rule by rule, and LZ4 where no rule matches', async () => {
    const codec = [
      { prefix: 'a', codec: 'zstd' },
      { prefix: 'b', codec: 'none' },
      { prefix: 'c', codec: () => 'zstd' as const }
    ] as const
    const values = { a1: text(3000), b1: text(3000), c1: text(3000), d1: text(3000), d2: noise(3000) }
    const { report, codecs } = await swept({ codec }, values)
    expect(codecs).toEqual({
      a1: CODEC_ID.zstd,
      b1: CODEC_ID.none,
      c1: CODEC_ID.zstd,
      d1: CODEC_ID.lz4,
      d2: CODEC_ID.none
    })
    expect(report).toMatchObject({ recompressed: 3, probed: 1 })
  })

  it("with a codec of the user's own", async () => {
    const { codecs } = await swept({ codec: deflate }, { k: text(3000) })
    expect(codecs).toEqual({ k: deflate.id })
  })

  it.each(['lz4', 'zstd'] as const)('from minSize on: %s', async codec => {
    const short = { short: text(1999), long: text(2000) }
    expect((await swept({ codec, minSize: 2000 }, short)).codecs).toEqual({ short: 0, long: CODEC_ID[codec] })
    expect((await swept({ codec, minSize: 100 }, { short: text(99), long: text(100) })).codecs).toEqual({
      short: 0,
      long: CODEC_ID[codec]
    })
  })

  describe('and one that was interrupted', () => {
    it('is resumed, with rules and codecs of the user as well', async () => {
      expect(await resumed('lz4')).toBe(true)
      expect(await resumed(deflate)).toBe(true)
      expect(await resumed([{ prefix: 'k1', codec: 'zstd' }, { codec: deflate }])).toBe(true)
      const many = Array.from({ length: 100 }, (_, i) => ({ prefix: `k${i}`, codec: 'zstd' as const }))
      expect(await resumed(many)).toBe(true)
    })

    it('begins anew where other rules hold, or a function chooses', async () => {
      const rules = [{ prefix: 'k1', codec: 'zstd' }] as const
      expect(await resumed(rules, [{ prefix: 'k2', codec: 'zstd' }])).toBe(false)
      expect(await resumed(rules, [{ prefix: 'k1', codec: 'none' }])).toBe(false)
      expect(await resumed(() => 'zstd' as const)).toBe(false)
      expect(await resumed([{ prefix: 'k1', codec: () => 'zstd' as const }])).toBe(false)
    })
  })

  it('over LevelDB, LZ4 leaves values below 4 KiB to Snappy there as well', async () => {
    const store = new CompressedKvStore<string, Buffer>(
      new Level<string, Buffer>(temporaryDirectory(), { valueEncoding: 'buffer' })
    )
    await store.put('a', text(1024))
    await store.put('b', text(4095))
    await store.put('c', text(4096), { codec: 'none' })
    await store.flush()
    expect(await store.gc.run()).toMatchObject({ scanned: 3, recompressed: 1, probed: 0 })
    await store.close()
  })
})

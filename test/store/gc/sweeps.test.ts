import { describe, expect, it } from 'vitest'
import { CODEC_ID, CompressedKvStore, type Gc, Lz4Gc, NoGc, ZstdGc } from '../../../src/index.js'
import {
  bareEntries,
  Counted,
  envelopeOf,
  filled,
  markerIn,
  MODES,
  openAfterKill,
  openMode
} from '../../support/gc-store.js'
import { contents, memoryLevel, type Store } from '../../support/logged-store.js'
import { PermanentMemoryLevel } from '../../support/permanent-memory-level.js'
import { noise, text } from '../../support/sample-values.js'

const SMALL = Buffer.from('a small value')
const PLAIN: [string, Buffer][] = Array.from({ length: 600 }, (_, i) => [
  `p${String(i).padStart(3, '0')}`,
  i % 50 === 0 ? text(3000 + i) : Buffer.from(`plain ${i}`)
])

/** 'a' to 'd': text raw, text in LZ4, noise raw, a small value. */
async function mixed(store: Store) {
  await store.put('a', text(4000), { codec: 'none' })
  await store.put('b', text(4000), { codec: 'lz4' })
  await store.put('c', noise(4000), { codec: 'none' })
  await store.put('d', SMALL)
  await store.flush()
}

const bytesIn = (entries: readonly (readonly [string, Buffer])[]) =>
  entries.reduce((sum, [, stored]) => sum + stored.length, 0)

describe.each(MODES)('a sweep of a %s store', mode => {
  const backends = [
    ['a permanent backend', () => new PermanentMemoryLevel()],
    ['memory-level', memoryLevel]
  ] as const

  it.each(backends)('over %s counts what it did, and the values stay what they were', async (_, make) => {
    const { store, backend } = await openMode(mode, make())
    await mixed(store)
    const before = await contents(store)
    const bytesBefore = bytesIn(await bareEntries(backend))
    const report = await store.gc.run({ policy: new Lz4Gc() })
    const counts = { scanned: 4, recompressed: 1, probed: 1, expired: 0, dropped: 0, enveloped: 0, overtaken: 0 }
    expect(report).toMatchObject({ ...counts, failed: 0, lastError: undefined, complete: true, resumed: false })
    expect(report.bytesBefore).toBe(bytesBefore)
    expect(report.bytesAfter).toBe(bytesIn(await bareEntries(backend)))
    expect(report.bytesAfter).toBeLessThan(bytesBefore - 3000)
    expect(report.seconds).toBeGreaterThan(0)
    expect(store.gc.lastReport).toEqual(report)
    expect(await contents(store)).toEqual(before)
    expect((await envelopeOf(backend, 'a')).codecId).toBe(CODEC_ID.lz4)
    expect(await envelopeOf(backend, 'c')).toMatchObject({ codecId: 0, probe: { codecId: CODEC_ID.lz4, effort: 0 } })
    await store.close()
  })

  it('makes Zstandard of what pays, remembers the level, and a stronger one tries again', async () => {
    const { store, backend } = await openMode(mode, undefined, { gc: { policy: new ZstdGc() } })
    await mixed(store)
    expect(await store.gc.run()).toMatchObject({ scanned: 4, recompressed: 2, probed: 1 })
    expect(await envelopeOf(backend, 'a')).toMatchObject({ codecId: 2, probe: { codecId: 2, effort: 3 } })
    expect(await store.gc.run()).toMatchObject({ recompressed: 0, probed: 0 })
    expect(await store.gc.run({ policy: new ZstdGc({ level: 4 }) })).toMatchObject({ recompressed: 0, probed: 3 })
    expect((await envelopeOf(backend, 'c')).probe).toEqual({ codecId: 2, effort: 4 })
    await store.close()
  })

  it('done again calls no codec and writes nothing', async () => {
    const { store, backend } = await openMode(mode)
    for (let i = 0; i < 400; i++) await store.put(`k${i}`, i % 3 ? text(300 + i) : noise(300, i + 1))
    await store.flush()
    const policy = new Counted()
    const first = await store.gc.run({ policy })
    expect(first.recompressed + first.probed).toBe(400)
    expect(policy.compressed).toBe(400)
    const { batches } = (backend as PermanentMemoryLevel).disk
    const image = await bareEntries(backend)
    const written = batches.length
    expect(await store.gc.run({ policy })).toMatchObject({ scanned: 400, recompressed: 0, probed: 0, complete: true })
    expect(policy).toMatchObject({ compressed: 400, seen: 800 })
    expect(batches.length).toBe(written)
    expect(await bareEntries(backend)).toEqual(image)
    await store.close()
  })

  it('of an empty store is complete, and writes nothing', async () => {
    const { store, backend } = await openMode(mode)
    expect(await store.gc.run()).toMatchObject({ scanned: 0, bytesBefore: 0, complete: true })
    expect((backend as PermanentMemoryLevel).disk.batches.length).toBe(0)
    await store.close()
  })

  it('reaches every key: the empty one, and those around the reserved ones', async () => {
    const { store, backend } = await openMode(mode)
    const keys = ['', '00', 'fe', 'ff', 'ff636b76', 'ff636b7601', 'ff636b77', 'ffff'].map(hex =>
      Buffer.from(hex, 'hex')
    )
    for (const key of keys) await store.put(key, text(2000), { keyEncoding: 'buffer', codec: 'none' } as object)
    await store.flush()
    const seen: string[] = []
    const policy = new Lz4Gc()
    const spying = {
      process: (value: Parameters<Lz4Gc['process']>[0]) => (seen.push(value.key.toString('hex')), policy.process(value))
    }
    expect(await store.gc.run({ policy: spying })).toMatchObject({ scanned: 8, recompressed: 8 })
    expect(seen.sort()).toEqual(keys.map(key => key.toString('hex')))
    expect(await store.gc.run({ policy })).toMatchObject({ scanned: 8, recompressed: 0 })
    expect((await markerIn(backend))?.plainValues).toBe(false)
    await store.close()
  })

  it('sees what was written before it, awaited or not', async () => {
    const { store } = await openMode(mode)
    await store.put('a', text(4000), { codec: 'none' })
    const writing = store.put('b', text(4000), { codec: 'none' })
    expect(await store.gc.run({ policy: new Lz4Gc() })).toMatchObject({ scanned: 2, recompressed: 2 })
    await writing
    expect(await store.getMany(['a', 'b'])).toEqual([text(4000), text(4000)])
    await store.close()
  })

  it('leaves what cannot be read, counts it and goes on', async () => {
    const { store, backend } = await openMode(mode)
    for (let i = 0; i < 300; i++) await store.put(`k${i}`, text(2000), { codec: 'none' })
    await store.flush()
    await backend.put('k1', Buffer.from('nonsense that is no envelope'))
    await backend.put('k250', Buffer.alloc(0))
    const report = await store.gc.run({ policy: new Lz4Gc() })
    expect(report).toMatchObject({ scanned: 300, recompressed: 298, failed: 2, complete: true })
    expect(report.lastError).toMatchObject({ code: 'LEVEL_CORRUPTION' })
    await expect(store.get('k1')).rejects.toMatchObject({ code: 'LEVEL_CORRUPTION' })
    expect(await backend.get('k1')).toEqual(Buffer.from('nonsense that is no envelope'))
    expect(await store.get('k2')).toEqual(text(2000))
    await store.close()
  })

  it('leaves what is larger than maxValueSize, which was lowered', async () => {
    const opened = await openMode(mode)
    await opened.store.put('large', text(4000), { codec: 'none' })
    await opened.store.close()
    const { store } = await openMode(mode, opened.backend, { maxValueSize: 3999 }, opened.fs)
    const report = await store.gc.run({ policy: new Lz4Gc() })
    expect(report).toMatchObject({ failed: 1, recompressed: 0, lastError: { code: 'CKV_VALUE_TOO_LARGE' } })
    await store.close()
  })

  it('keeps times to live, and removes what has expired', async () => {
    const { store, backend } = await openMode(mode)
    await store.put('soon', text(4000), { ttl: 1, codec: 'none' })
    await store.put('later', text(4000), { ttl: 1_000_000, codec: 'none' })
    await store.put('noise', noise(4000), { ttl: 1_000_000, codec: 'none' })
    await store.put('never', text(4000), { codec: 'none' })
    await store.flush()
    const { expiresAt } = await envelopeOf(backend, 'later')
    while (await store.has('soon')) await new Promise(resolve => setTimeout(resolve, 1))
    expect((await bareEntries(backend)).length).toBe(4)
    const report = await store.gc.run({ policy: new Lz4Gc() })
    expect(report).toMatchObject({ scanned: 4, expired: 1, dropped: 0, recompressed: 2, probed: 1 })
    expect((await bareEntries(backend)).map(([key]) => key)).toEqual(['later', 'never', 'noise'])
    expect(await envelopeOf(backend, 'later')).toMatchObject({ codecId: CODEC_ID.lz4, expiresAt })
    expect((await envelopeOf(backend, 'noise')).expiresAt).toBeGreaterThan(expiresAt! - 1000)
    expect((await envelopeOf(backend, 'never')).expiresAt).toBeUndefined()
    await store.close()
  })

  it('with NoGc removes what has expired, and nothing else', async () => {
    const { store, backend } = await openMode(mode)
    await store.put('soon', SMALL, { ttl: 1 })
    await store.put('a', text(4000), { codec: 'none' })
    await store.flush()
    while (await store.has('soon')) await new Promise(resolve => setTimeout(resolve, 1))
    const report = await store.gc.run({ policy: new NoGc() })
    expect(report).toMatchObject({ scanned: 2, expired: 1, recompressed: 0, probed: 0 })
    expect(report.bytesBefore - report.bytesAfter).toBeGreaterThan(SMALL.length)
    expect((await bareEntries(backend)).map(([key]) => key)).toEqual(['a'])
    await store.close()
  })
})

it('that is asked for while the store opens waits for that', async () => {
  const store = new CompressedKvStore<string, Buffer>(memoryLevel())
  expect(store.status).toBe('opening')
  expect(await store.gc.run()).toMatchObject({ complete: true })
  await store.close()
  await expect(store.gc.run()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
})

it('that waits for another one does not begin while the store closes', async () => {
  const { store, backend } = await openMode('write-through')
  await store.put('a', text(2000))
  const seen: string[] = []
  const policy: Gc = {
    process: ({ key }) => {
      seen.push(key.toString())
      return { action: 'keep' }
    }
  }
  const [first, second] = [store.gc.run({ policy }), store.gc.run({ policy })]
  const refused = second.then(
    () => undefined,
    (error: unknown) => error
  )
  await store.close()
  await first
  expect(await refused).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' })
  expect(seen.length).toBeLessThan(2)
  expect(backend.status).toBe('closed')
})

describe.each(MODES)('values from before a %s store wrapped the database', mode => {
  it('get envelopes; then the marker says so, and what is opened after that needs no guard', async () => {
    const backend = await filled(PLAIN)
    const opened = await openMode(mode, backend)
    const { store } = opened
    await store.put('new', SMALL)
    await store.flush()
    const expected = await contents(store)
    const report = await store.gc.run({ policy: new Lz4Gc() })
    expect(report).toMatchObject({ scanned: 601, enveloped: 600, recompressed: 12, failed: 0, complete: true })
    const marker = await markerIn(backend)
    expect(marker).toMatchObject({ plainValues: false })
    expect(marker!.guard).toBeDefined()
    expect(await contents(store)).toEqual(expected)
    for (const again of [await openAfterKill(opened), opened]) {
      if (again === opened) await store.close()
      const next = again === opened ? await openMode(mode, backend, {}, opened.fs) : again
      expect(await contents(next.store)).toEqual(expected)
      await next.store.put('later', SMALL)
      await next.store.flush()
      const stored = (await bareEntries(next.backend)).find(([key]) => key === 'later')![1]
      expect(stored.at(-1)).not.toBe(0xff)
      expect(await next.store.gc.run({ policy: new Lz4Gc() })).toMatchObject({ enveloped: 0, failed: 0 })
      expect(await next.store.get('later')).toEqual(SMALL)
      await next.store.close()
    }
  })

  it('keep the guard while one of them was overtaken; the next sweep finishes it', async () => {
    const backend = await filled(PLAIN.slice(0, 3))
    const { store } = await openMode(mode, backend)
    await store.put('new', SMALL)
    await store.flush()
    let overtaking: Promise<void> | undefined
    const policy = {
      process: async ({ key }: { key: Buffer }) => {
        if (key.toString() === 'p001') await (overtaking ??= store.put('p001', SMALL))
        return { action: 'keep' } as const
      }
    }
    expect(await store.gc.run({ policy })).toMatchObject({ overtaken: 1, enveloped: 2, complete: true })
    expect((await markerIn(backend))!.plainValues).toBe(true)
    await store.flush()
    expect(await store.gc.run()).toMatchObject({ overtaken: 0, enveloped: 0, complete: true })
    expect((await markerIn(backend))!.plainValues).toBe(false)
    expect(await store.get('p001')).toEqual(SMALL)
    await store.close()
  })

  it('get one also where the policy fails', async () => {
    const backend = await filled(PLAIN.slice(0, 4))
    const opened = await openMode(mode, backend)
    await opened.store.put('new', SMALL)
    await opened.store.flush()
    const policy = {
      process: () => {
        throw new Error('no idea')
      }
    }
    expect(await opened.store.gc.run({ policy })).toMatchObject({ failed: 5, enveloped: 4, complete: true })
    expect((await markerIn(backend))!.plainValues).toBe(false)
    const expected = await contents(opened.store)
    expect(await contents((await openAfterKill(opened)).store)).toEqual(expected)
    await opened.store.close()
  })

  it('stay as they are where they are longer than maxValueSize, and are read after it as before', async () => {
    const backend = await filled([
      ['long', text(4000)],
      ['short', SMALL]
    ])
    const options = { maxValueSize: 3999 }
    const opened = await openMode(mode, backend, options)
    const { store } = opened
    expect(await store.get('long')).toEqual(text(4000))
    await store.put('new', SMALL)
    const lastError = { code: 'CKV_VALUE_TOO_LARGE' }
    expect(await store.gc.run()).toMatchObject({ failed: 1, enveloped: 1, lastError, complete: true })
    expect((await markerIn(backend))!.plainValues).toBe(true)
    for (const { store: found } of [opened, await openAfterKill(opened, options)]) {
      expect(await found.get('long')).toEqual(text(4000))
      await found.close()
    }
    const larger = (await openMode(mode, backend, {}, opened.fs)).store
    expect(await larger.gc.run()).toMatchObject({ failed: 0, enveloped: 1, complete: true })
    expect((await markerIn(backend))!.plainValues).toBe(false)
    expect(await larger.get('long')).toEqual(text(4000))
    await larger.close()
  })

  it('that look like envelopes come back as they were', async () => {
    const other = await openMode('write-through')
    await other.store.put('x', text(5000))
    await other.store.put('y', SMALL)
    const envelopes = await bareEntries(other.backend)
    const guarded = Buffer.concat([SMALL, Buffer.alloc(8, 0xff)])
    const opened = await openMode(mode, await filled([...envelopes, ['z', guarded], ['empty', Buffer.alloc(0)]]))
    await opened.store.put('new', SMALL)
    await opened.store.flush()
    const expected = await contents(opened.store)
    expect(await opened.store.gc.run()).toMatchObject({ enveloped: 4, failed: 0 })
    expect(await contents(opened.store)).toEqual(expected)
    const after = await openAfterKill(opened)
    expect(await contents(after.store)).toEqual(expected)
    expect((await after.store.get('x'))!.equals(envelopes[0]![1])).toBe(true)
    await opened.store.close()
  })
})

it('a backend that can be compacted is, once enough was written anew', async () => {
  const ranges: [string, string][] = []
  const backend = Object.assign(new PermanentMemoryLevel(), {
    compactRange: async (start: Buffer, end: Buffer) => void ranges.push([start.toString(), end.toString('latin1')])
  })
  const { store } = await openMode('write-through', backend)
  for (let i = 0; i < 20; i++) await store.put(`k${i}`, noise(2000, i + 1))
  await store.put('text', text(2000), { codec: 'none' })
  expect(await store.gc.run({ policy: new Lz4Gc() })).toMatchObject({ recompressed: 1 })
  expect(ranges).toEqual([]) // Below a tenth.
  await store.gc.run({ policy: new ZstdGc() })
  expect(ranges.length).toBe(1)
  expect(ranges[0]![0] <= 'k0').toBe(true)
  expect(ranges[0]![1] > '\xffckv').toBe(true)
  await store.gc.run({ policy: new ZstdGc() })
  expect(ranges.length).toBe(1)
  await store.close()
})

describe.each(MODES)('a %s store whose first and last values a sweep drops', mode => {
  it('is compacted when the backend lacks them, where they were as well', async () => {
    const compacted: { keys: string[]; start: string; end: string }[] = []
    const backend = Object.assign(new PermanentMemoryLevel(), {
      compactRange: async (start: Buffer, end: Buffer) => {
        const keys = (await bareEntries(backend)).map(([key]) => key)
        compacted.push({ keys, start: start.toString('latin1'), end: end.toString('latin1') })
      }
    })
    const { store } = await openMode(mode, backend)
    for (const key of ['a', 'b', 'k', 'y', 'z']) await store.put(key, noise(2000))
    const policy: Gc = { process: ({ key }) => ({ action: key.toString() === 'k' ? 'keep' : 'drop' }) }
    expect(await store.gc.run({ policy })).toMatchObject({ dropped: 4, complete: true })
    expect(compacted).toMatchObject([{ keys: ['k'] }])
    expect([compacted[0]!.start <= 'a', compacted[0]!.end > 'z']).toEqual([true, true])
    await store.close()
  })
})

import { ClassicLevel } from 'classic-level'
import { describe, expect, it } from 'vitest'
import { ZstdGc } from '../../src/index.js'
import { noise, text } from '../support/sample-values.js'
import { bare, killed, newLocation, someEntries, withStore, wrapped } from './databases.js'
import { ckv, json } from './run.js'

interface Stats {
  values: number
  bytesRaw: number
  bytesStored: number
  plain: number
  probed: number
  expiring: number
  expired: number
  byCodec: { codec: string; values: number; bytesRaw: number; bytesStored: number }[]
  byPrefix: { prefix: string; values: number }[]
  bySize: { below: number | null; values: number }[]
  log: { segments: number; bytes: number }
  marker: { guarded: boolean; logDirty: boolean; sweep: { policy: string; lastKey: string } | null } | null
}

describe('ckv stats', () => {
  it('counts values and bytes by codec, prefix and size', async () => {
    const location = await wrapped()
    await withStore(location, { codec: 'lz4', minSize: 0 }, async store => {
      await store.put('order/x', text(500), { ttl: 1_000_000 })
      await store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' }).put('k', noise(2_000_000))
      await store.put('alone', text(10))
    })
    const stats = await json<Stats>(['stats', location])
    const raw = someEntries().reduce((sum, [, value]) => sum + value.length, 0) + 2_000_510
    expect(stats).toMatchObject({ values: 33, bytesRaw: raw, plain: 0, expiring: 1, expired: 0 })
    const codecs = Object.fromEntries(stats.byCodec.map(({ codec, values }) => [codec, values]))
    expect(codecs).toEqual({ zstd: 25, none: 7, lz4: 1 })
    const prefixes = Object.fromEntries(stats.byPrefix.map(({ prefix, values }) => [prefix, values]))
    expect(prefixes).toEqual({ 'user:': 15, 'order:': 15, 'order/': 1, '!sub!': 1, '(none)': 1 })
    expect(stats.bySize[0]).toEqual({ below: 64, values: 1 })
    expect(stats.bySize.at(-1)).toEqual({ below: null, values: 1 })
    expect(stats.byCodec.reduce((sum, { bytesStored }) => sum + bytesStored, 0)).toBe(stats.bytesStored)
    expect(stats.marker).toMatchObject({ guarded: false, logDirty: false, sweep: null })
  })

  it('keeps prefixes apart that are not text', async () => {
    const location = newLocation()
    const level = new ClassicLevel<Buffer>(location, { keyEncoding: 'buffer' })
    for (const key of [
      [0xfe, 0x21, 0x61],
      [0xff, 0x21, 0x61],
      [0xff, 0x21, 0x62]
    ])
      await level.put(Buffer.from(key), 'value')
    await level.close()
    const { byPrefix } = await json<Stats>(['stats', location])
    expect(byPrefix).toMatchObject([
      { prefix: '0xff21', values: 2 },
      { prefix: '0xfe21', values: 1 }
    ])
  })

  it('a bare database: everything is plain, there is no marker', async () => {
    expect(await json<Stats>(['stats', await bare()])).toMatchObject({ values: 30, plain: 30, marker: null })
  })

  it('a database that was not closed: its log, a marker that says so, and the values of both', async () => {
    const stats = await json<Stats>(['stats', await killed()])
    expect(stats).toMatchObject({ values: 31, plain: 1, marker: { guarded: true, logDirty: true } })
    expect(stats.log.segments).toBe(1)
    expect(stats.log.bytes).toBeGreaterThan(1000)
  })

  it('values that a sweep probed, and where it was interrupted', async () => {
    const location = newLocation()
    await withStore(location, { codec: 'none' }, async store => {
      for (let i = 0; i < 300; i++) await store.put(`k${String(i).padStart(3, '0')}`, noise(4000, i + 1))
      await store.flush()
      const abort = new AbortController()
      await store.gc.run({ policy: new ZstdGc(), signal: abort.signal, onProgress: () => abort.abort() })
    })
    const stats = await json<Stats>(['stats', location])
    expect(stats.probed).toBe(256)
    expect(stats.marker!.sweep).toEqual({ policy: 'zstd 3', lastKey: 'k255' })
    const { out } = await ckv(['stats', location])
    expect(out).toContain('256 probed')
    expect(out).toContain('a sweep (zstd 3) has come to k255')
  })
})

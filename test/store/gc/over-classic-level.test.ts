import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore, Lz4Gc, ZstdGc } from '../../../src/index.js'
import { type Mode, MODES } from '../../support/gc-store.js'
import { contents, copyWhileOpen, type Store, type StoreOptions } from '../../support/logged-store.js'
import { noise, text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const OPTIONS: Record<Mode, StoreOptions> = {
  'write-back': {},
  logged: { memtable: false },
  'write-through': { wal: false }
}

function open(directory: string, mode: Mode): Store {
  const level = new Level<string, Buffer>(directory, { valueEncoding: 'buffer' })
  return new CompressedKvStore<string, Buffer>(level, OPTIONS[mode])
}

describe.each(MODES)('sweeping a %s store over classic-level', mode => {
  it('makes it smaller, wraps what was there before, and everything is there when it is opened again', async () => {
    const directory = temporaryDirectory()
    const plain = new Level<string, Buffer>(directory, { valueEncoding: 'buffer' })
    await plain.batch(
      Array.from({ length: 400 }, (_, i) => ({
        type: 'put' as const,
        key: `p${i}`,
        value: i % 2 ? text(1500 + i) : noise(1500, i + 1)
      }))
    )
    await plain.close()
    const store = open(directory, mode)
    await store.put('large', text(300_000), { codec: 'lz4' })
    await store.put('ttl', text(2000), { ttl: 1_000_000, codec: 'none' })
    const expected = await contents(store)
    const first = await store.gc.run({ policy: new Lz4Gc() })
    expect(first).toMatchObject({ scanned: 402, enveloped: 400, recompressed: 201, probed: 200, failed: 0 })
    const second = await store.gc.run({ policy: new ZstdGc() })
    expect(second).toMatchObject({ enveloped: 0, failed: 0, complete: true })
    expect(second.bytesBefore).toBe(first.bytesAfter)
    expect(await store.gc.run({ policy: new ZstdGc() })).toMatchObject({ recompressed: 0, probed: 0 })
    expect(await contents(store)).toEqual(expected)
    await (mode === 'write-through' ? store.close() : undefined)
    const copy = open(copyWhileOpen(directory), mode)
    expect(await contents(copy)).toEqual(expected)
    await copy.close()
    await store.close()
    const again = open(directory, mode)
    expect(await contents(again)).toEqual(expected)
    expect(await again.gc.run({ policy: new ZstdGc() })).toMatchObject({ enveloped: 0, recompressed: 0, failed: 0 })
    await again.close()
  })

  it('while it is written to', async () => {
    const store = open(temporaryDirectory(), mode)
    for (let i = 0; i < 300; i++) await store.put(`k${i}`, text(1200 + i), { codec: 'none' })
    await store.flush()
    const sweeping = store.gc.run({ policy: new Lz4Gc() })
    const writing = Array.from({ length: 100 }, (_, i) =>
      i % 4 ? store.put(`k${i * 3}`, Buffer.from(`new ${i}`)) : store.del(`k${i * 3}`)
    )
    await Promise.all([sweeping, ...writing])
    await store.flush()
    for (let i = 0; i < 300; i++) {
      const value = await store.get(`k${i}`)
      const expected = i % 3 ? text(1200 + i) : (i / 3) % 4 ? Buffer.from(`new ${i / 3}`) : undefined
      expect(value?.toString(), `k${i}`).toBe(expected?.toString())
    }
    await store.close()
  })
})

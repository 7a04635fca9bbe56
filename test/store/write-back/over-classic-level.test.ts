import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CompressedKvStore } from '../../../src/index.js'
import { classicLevel } from '../../support/classic-level.js'
import {
  contents,
  contentsOf,
  copyWhileOpen,
  imageOf,
  openLogged,
  type StoreOptions
} from '../../support/logged-store.js'
import { noise, text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { manyPuts, NEVER } from './write-back-store.js'

const WRITE_BACK: StoreOptions = { memtable: NEVER }
const refuse = () => {
  throw new Error('refused')
}
const open = (directory: string, options: StoreOptions = WRITE_BACK) =>
  openLogged(true, classicLevel(directory), options)

describe('over classic-level', () => {
  it('by default a write is in the log, not in LevelDB, and a copy of the open directory has it', async () => {
    const directory = temporaryDirectory()
    const store = new CompressedKvStore<string, Buffer>(classicLevel(directory))
    await store.put('a', Buffer.from('A'))
    await store.put('large', text(300_000))
    const bare = classicLevel(copyWhileOpen(directory))
    expect(await bare.get('a')).toBeUndefined()
    await bare.close()
    expect(await contentsOf(true, classicLevel(copyWhileOpen(directory)), WRITE_BACK)).toEqual(await contents(store))
    await store.close()
  })

  it('writes of every kind: the same before a flush, after it, after a kill and after close', async () => {
    const directory = temporaryDirectory()
    const store = await open(directory)
    const sub = store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' })
    for (let i = 0; i < 30; i++) await store.put(`k${i}`, i % 2 ? noise(700, i) : text(5000))
    await store.flush()
    for (let i = 10; i < 40; i += 3) await store.put(`k${i}`, text(i))
    await store.batch([
      { type: 'del', key: 'k3' },
      { type: 'put', key: 'b', value: Buffer.from('B') }
    ])
    await store.clear({ gte: 'k2', lt: 'k21' })
    await store.clear({ gt: 'k25', limit: 2 })
    await store.clear({ reverse: true, limit: 1 })
    await sub.put('x', Buffer.from('X'))
    await store.put('soon', Buffer.from('gone'), { ttl: 1 })
    await store.put('large', noise(300_000))
    while (await store.has('soon')) await new Promise(resolve => setTimeout(resolve, 1))
    const expected = await contents(store)
    expect(await contentsOf(true, classicLevel(copyWhileOpen(directory)), WRITE_BACK)).toEqual(expected)
    await store.flush()
    expect(await contents(store)).toEqual(expected)
    expect(await contentsOf(true, classicLevel(copyWhileOpen(directory)), WRITE_BACK)).toEqual(expected)
    await store.close()
    expect(await contentsOf(false, classicLevel(directory), { memtable: false })).toEqual(expected)
    expect(Object.keys(imageOf(`${directory}/ckv-wal`)).length).toBeLessThan(2)
  })

  it('what is read from a table is the own of its reader, as what LevelDB hands out', async () => {
    const store = await open(temporaryDirectory())
    await store.put('raw', text(5001), { codec: 'none' })
    await store.put('compressed', text(5001), { codec: 'lz4' })
    await store.put('kept', text(5001))
    for (const key of ['raw', 'compressed', 'kept']) {
      const found = [await store.get(key), store.getSync(key), (await store.getMany([key]))[0]]
      found.push(...(await store.values({ gte: key, lte: key }).all()))
      for (const value of found) value!.fill(0)
      expect((await store.get(key))!.equals(text(5001))).toBe(true)
    }
    await store.close()
  })

  it('iterators with seek, reverse and limits over both, and snapshots', async () => {
    const store = await open(temporaryDirectory())
    for (const key of 'bdfh') await store.put(key, Buffer.from('backend'))
    await store.flush()
    for (const key of 'aceg') await store.put(key, Buffer.from('table'))
    await store.del('d')
    const snapshot = store.snapshot()
    const iterator = store.keys({ gt: 'a', lt: 'h' })
    await store.clear({ gte: 'f' })
    await store.flush()
    expect(await iterator.next()).toBe('b')
    iterator.seek('f')
    expect([await iterator.next(), await iterator.next()]).toEqual(['f', 'g'])
    iterator.seek('z') // Outside of the range.
    expect(await iterator.next()).toBeUndefined()
    iterator.seek('c')
    expect(await iterator.all()).toEqual(['c', 'e', 'f', 'g'])
    expect(await store.keys({ snapshot, reverse: true, limit: 3 }).all()).toEqual(['h', 'g', 'f'])
    expect(await store.keys().all()).toEqual(['a', 'b', 'c', 'e'])
    const empty = store.keys({ gte: 'x' })
    empty.seek('a')
    expect(await empty.all()).toEqual([])
    await snapshot.close()
    await store.close()
  })

  it('closed, a small database keeps no dead records in its log', async () => {
    const directory = temporaryDirectory()
    const store = await open(directory)
    for (let i = 0; i < 40; i++) await store.put(`k${i}`, noise(500, i)) // 20 kB
    await store.close()
    const log = join(directory, 'ckv-wal')
    const bytes = readdirSync(log).reduce((sum, file) => sum + statSync(join(log, file)).size, 0)
    expect(bytes).toBeLessThan(1024)
  })

  it('waits for room, and survives a backend that refuses', async () => {
    const directory = temporaryDirectory()
    const backend = classicLevel(directory)
    const store = await openLogged(true, backend, { memtable: { flushIntervalMs: 5, maxBytes: 3000 } })
    await Promise.all(manyPuts(store, 200))
    backend.hooks.prewrite.add(refuse)
    const results = await Promise.allSettled(manyPuts(store, 50, Buffer.from('new')))
    const written = results.filter(({ status }) => status === 'fulfilled').length
    expect(written).toBeLessThan(50)
    await store.close()
    backend.hooks.prewrite.delete(refuse)
    const found = await contentsOf(true, classicLevel(directory), WRITE_BACK)
    expect(found.length).toBe(200)
    expect(found.filter(([, value]) => value === 'new').length).toBe(written)
  })

  it('what depends on the backend is asked after a flush', async () => {
    const store = await open(temporaryDirectory())
    await store.batch(
      Array.from({ length: 50 }, (_, i) => ({ type: 'put' as const, key: `k${i}`, value: noise(3000, i + 1) }))
    )
    expect(await store.approximateSize('k', 'l')).toBeGreaterThanOrEqual(0)
    expect(store.stats().memtable!.entries).toBe(0)
    await store.put('k', text(10))
    await store.compactRange('k', 'l')
    expect(store.stats().memtable!.entries).toBe(0)
    await store.close()
  })

  it('a database that was filled before it was wrapped: plain values among tables', async () => {
    const directory = temporaryDirectory()
    const plain = classicLevel(directory)
    for (const key of 'abc') await plain.put(key, Buffer.from('plain'))
    await plain.close()
    const store = await open(directory)
    await store.put('b', Buffer.from('new'))
    await store.del('c')
    await store.put('d', text(100_000), { ttl: 1_000_000 })
    const expected = await contents(store)
    expect(expected.map(([key, value]) => [key, value.length])).toEqual([
      ['a', 5],
      ['b', 3],
      ['d', 100_000]
    ])
    expect(await contentsOf(true, classicLevel(copyWhileOpen(directory)), WRITE_BACK)).toEqual(expected)
    await store.flush()
    expect(await contents(store)).toEqual(expected)
    await store.close()
  })
})

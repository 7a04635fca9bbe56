import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { classicLevel } from '../../support/classic-level.js'
import { EVENTUALLY } from '../../support/eventually.js'
import { contents, contentsOf, copyWhileOpen, imageOf, openLogged } from '../../support/logged-store.js'
import { noise, text } from '../../support/sample-values.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const inside = (directory: string) => join(directory, 'ckv-wal')
const TINY = { blockBytes: 1024, segmentBytes: 1300, fsync: 'os', codec: 'lz4' } as const

describe('over classic-level', () => {
  it('wal: true keeps the log in the directory of the database; a directory elsewhere keeps it there', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged(true, classicLevel(directory))
    await store.put('a', Buffer.from('A'))
    expect(Object.keys(imageOf(inside(directory)))).toEqual(['/000001.wal'])
    await store.close()
    const [other, elsewhere] = [temporaryDirectory(), temporaryDirectory()]
    const second = await openLogged(elsewhere, classicLevel(other))
    await second.put('a', Buffer.from('A'))
    await second.close()
    expect(existsSync(inside(other))).toBe(false)
    expect(Object.keys(imageOf(elsewhere))).toEqual(['/000001.wal'])
  })

  it('a copy of the directory while it is open has every write, of every kind', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged(TINY, classicLevel(directory))
    for (let i = 0; i < 30; i++) await store.put(`k${i}`, i % 2 ? noise(700, i) : text(700))
    await store.batch([
      { type: 'del', key: 'k3' },
      { type: 'put', key: 'b', value: Buffer.from('B') }
    ])
    await store.clear({ gte: 'k2', lt: 'k21' })
    await store.clear({ gt: 'k25', limit: 2 })
    await store.sublevel<string, Buffer>('sub', { valueEncoding: 'buffer' }).put('x', Buffer.from('X'))
    await store.put('large', noise(300_000))
    const expected = await contents(store)
    expect(await contentsOf(TINY, classicLevel(copyWhileOpen(directory)))).toEqual(expected)
    await store.close()
    expect(await contentsOf(TINY, classicLevel(directory))).toEqual(expected)
    expect(await contentsOf(false, classicLevel(directory))).toEqual(expected)
  })

  it('what the database did not get before it was killed is replayed, once and for all', async () => {
    const directory = temporaryDirectory()
    const backend = classicLevel(directory)
    const store = await openLogged(TINY, backend)
    await store.put('a', Buffer.from('A'))
    backend.hooks.prewrite.add(() => {
      throw new Error('the machine stops')
    })
    const left = { type: 'put' as const, key: 'left', value: text(900) }
    const right = { type: 'put' as const, key: 'right', value: text(900) }
    await expect(store.batch([left, right])).rejects.toThrow(Error)
    const copy = copyWhileOpen(directory)
    const expected = [
      ['a', 'A'],
      ['left', text(900).toString()],
      ['right', text(900).toString()]
    ]
    const reopened = await openLogged(TINY, classicLevel(copy))
    expect(await contents(reopened)).toEqual(expected)
    expect(reopened.recovery!.records).toBe(3)
    await reopened.del('left')
    const again = await openLogged(TINY, classicLevel(copyWhileOpen(copy)))
    expect(await contents(again)).toEqual([expected[0], expected[2]])
  })

  it('a database that was filled before it was wrapped: plain and guarded values are there after a kill', async () => {
    const directory = temporaryDirectory()
    const plain = classicLevel(directory)
    await plain.put('plain', text(3000))
    await plain.put('replaced', Buffer.from('old'))
    await plain.close()
    const store = await openLogged(TINY, classicLevel(directory), { minSize: 0 })
    await store.put('replaced', text(500))
    await store.put('new', text(500), { ttl: 1_000_000 })
    const expected = await contents(store)
    expect(expected.length).toBe(3)
    expect(await contentsOf(TINY, classicLevel(copyWhileOpen(directory)))).toEqual(expected)
    expect((await store.wal!.get(1)).value!.equals(text(500))).toBe(true)
    await store.close()
  })

  it('LevelDB leaves the log alone when it compacts, and segments go as they are applied', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged(TINY, classicLevel(directory))
    for (let i = 0; i < 60; i++) await store.put(`k${i % 7}`, noise(800, i + 1))
    await store.compactRange('a', 'z')
    await vi.waitFor(() => expect(Object.keys(imageOf(inside(directory))).length).toBeLessThan(4), EVENTUALLY)
    expect(store.stats().wal!.segmentsDeleted).toBeGreaterThan(30)
    const expected = await contents(store)
    expect(await contentsOf(TINY, classicLevel(copyWhileOpen(directory)))).toEqual(expected)
    await store.close()
  })

  it('puts that nobody awaited before close() are there', async () => {
    const directory = temporaryDirectory()
    const store = await openLogged(true, classicLevel(directory))
    const puts = Array.from({ length: 50 }, (_, i) => store.put(`k${i}`, text(i * 3000)))
    await store.close()
    await Promise.all(puts)
    expect((await contentsOf(true, classicLevel(directory))).length).toBe(50)
  })
})

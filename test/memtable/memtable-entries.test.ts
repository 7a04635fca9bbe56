import { describe, expect, test } from 'vitest'
import { MemTable, type MemTableRange } from '../../src/memtable/memtable.js'
import { noise } from '../support/sample-values.js'
import { contentOf, tableOf } from './filled-tables.js'

function keysOf(table: MemTable<string>, range?: MemTableRange): string[] {
  return Array.from(table.entries(range), ([key]) => key.toString())
}

test('keys come in the order of their bytes, whatever the order they came in', () => {
  const keys = Array.from({ length: 100 }, (_, i) => noise(i % 5, i + 1))
  const table = new MemTable<string>()
  for (const key of keys) table.put(key, key.toString('hex'))
  const distinct = [...new Map(keys.map(key => [key.toString('hex'), key])).values()]
  const expected = distinct.sort((a, b) => Buffer.compare(a, b)).map(key => [key, key.toString('hex')])
  expect([...table.entries()]).toEqual(expected)
  expect([...table.entries({ reverse: true })]).toEqual(expected.toReversed())
})

test('text is ordered by its UTF-8, not as JavaScript compares it', () => {
  const table = new MemTable<string>()
  const texts = ['\u{1f600}', '\uff5e', 'z', 'é', 'aé', 'a']
  for (const text of texts) table.put(text, text)
  const byUtf8 = texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  expect(byUtf8).not.toEqual(texts.toSorted())
  expect(keysOf(table)).toEqual(byUtf8)
  expect(keysOf(table, { gt: '\uff5e' })).toEqual(['\u{1f600}'])
  expect(keysOf(table, { gte: 'é', lt: '\u{1f600}' })).toEqual(['é', '\uff5e'])
})

test('bounds may be text or bytes', () => {
  const table = new MemTable<string>()
  for (const key of ['a', 'é', '雪']) table.put(key, key)
  for (const bound of ['é', Buffer.from('é'), new Uint8Array([0xc3, 0xa9])]) {
    expect(keysOf(table, { gt: bound })).toEqual(['雪'])
    expect(keysOf(table, { gte: bound })).toEqual(['é', '雪'])
    expect(keysOf(table, { lt: bound })).toEqual(['a'])
    expect(keysOf(table, { lte: bound })).toEqual(['a', 'é'])
  }
})

test('a bound that is undefined is none', () => {
  const table = tableOf({ a: '1', b: '2' })
  expect(keysOf(table, { gt: undefined, gte: undefined, lt: undefined, lte: undefined, reverse: undefined })).toEqual([
    'a',
    'b'
  ])
})

describe('every range', () => {
  const ENTRIES = Object.entries({ '': '1', b: '2', ba: null, d: '3', f: null, '\xff': '4' })
  const BOUNDS = [undefined, '', 'b', 'c', '\xff\xff']
  const table = tableOf(Object.fromEntries(ENTRIES))

  test.for([false, true])('with reverse %s has what lies in it, deleted keys as well', reverse => {
    const results = everyFour(BOUNDS).map(([gt, gte, lt, lte]) => {
      const expected = ENTRIES.filter(([name]) => (gte === undefined ? gt === undefined || name > gt : name >= gte))
        .filter(([name]) => (lte === undefined ? lt === undefined || name < lt : name <= lte))
        .map(([name, value]) => `${name}=${value}`)
      if (reverse) expected.reverse()
      const range = { gt: bytes(gt), gte: bytes(gte), lt: bytes(lt), lte: bytes(lte), reverse }
      const found = Array.from(table.entries(range), ([key, value]) => `${key.toString('latin1')}=${value ?? null}`)
      return { gt, gte, lt, lte, found, expected }
    })
    expect(results.filter(({ found, expected }) => found.join() !== expected.join())).toEqual([])
  })
})

function bytes(bound: string | undefined): Buffer | undefined {
  return bound === undefined ? undefined : Buffer.from(bound, 'latin1')
}

function everyFour<T>(of: readonly T[]): [T, T, T, T][] {
  return of.flatMap(a => of.flatMap(b => of.flatMap(c => of.map((d): [T, T, T, T] => [a, b, c, d]))))
}

describe('beside writes', () => {
  test('keys that come after it is begun are not shown', () => {
    const table = tableOf({ b: '1', d: '2' })
    const entries = table.entries()
    expect(entries.next().value![0].toString()).toBe('b')
    for (const key of ['a', 'c', 'e']) table.put(key, 'later')
    expect(Array.from(entries, ([key]) => key.toString())).toEqual(['d'])
    expect(keysOf(table)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('another one that is begun in between does not disturb it', () => {
    const table = tableOf({ b: '1', d: '2' })
    const first = table.entries({ reverse: true })
    first.next()
    table.put('a', '3')
    expect(contentOf(table).map(([name]) => name)).toEqual(['a', 'b', 'd'])
    expect(Array.from(first, ([key]) => key.toString())).toEqual(['b'])
  })

  test('what is cleared away is not shown', () => {
    const table = tableOf({ b: '1', d: '2' })
    const entries = table.entries()
    entries.next()
    table.clear()
    expect([...entries]).toEqual([])
  })
})

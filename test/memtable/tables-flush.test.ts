import { describe, expect, test } from 'vitest'
import { TOMBSTONE } from '../../src/memtable/memtable.js'
import { type Entries } from './filled-tables.js'
import { summary, TablesWriter } from './tables-writer.js'

/** Each of them frozen by itself, oldest first; a record weighs 10. */
function tablesOf(...items: (Entries | [start: string, end: string])[]): TablesWriter {
  const writer = new TablesWriter()
  for (const item of items) {
    if (Array.isArray(item)) writer.clear(...item)
    else writer.set(item)
    writer.tables.freeze()
  }
  return writer
}

test('there is nothing to flush before anything is frozen', () => {
  const { tables } = tablesOf()
  expect([tables.startFlush(1000), tables.oldest]).toEqual([[], undefined])
})

test('what takes writes is not flushed', () => {
  const writer = tablesOf()
  writer.set({ a: '1' })
  expect(writer.tables.startFlush(1000)).toEqual([])
  writer.tables.freeze()
  writer.set({ b: '2' })
  expect(summary(writer.tables.startFlush(1000))).toEqual({ has: { a: '1' }, sequence: 1, weight: 10 })
  writer.tables.flushed()
  expect([writer.tables.find('a'), writer.tables.find('b')]).toEqual([undefined, '2'])
})

test('items go oldest first, one after the other', () => {
  const { tables } = tablesOf({ a: '1' }, ['a', 'b'], { a: '2' })
  const flushed: unknown[] = []
  for (let [item] = tables.startFlush(0); item !== undefined; [item] = tables.startFlush(0)) {
    expect(tables.oldest).toBe(item)
    flushed.push(summary(item))
    tables.flushed()
  }
  expect(flushed).toEqual([
    { has: { a: '1' }, sequence: 1, weight: 10 },
    { clears: ['a', 'b'], sequence: 2, weight: 10 },
    { has: { a: '2' }, sequence: 3, weight: 10 }
  ])
  expect([tables.frozenCount, tables.isEmpty, tables.oldest]).toEqual([0, true, undefined])
})

describe('taking tables together', () => {
  test('what a newer one overwrote or deleted is not flushed', () => {
    const { tables } = tablesOf({ a: '1', b: '1', c: '1' }, { b: '2', c: null }, { d: '3' })
    expect(summary(tables.startFlush(1000))).toEqual({
      has: { a: '1', b: '2', c: null, d: '3' },
      sequence: 6,
      weight: 60
    })
    expect(tables.frozenCount).toBe(3)
  })

  test.for([
    [0, 1],
    [19, 1],
    [20, 2],
    [29, 2],
    [30, 3],
    [1000, 4]
  ] as const)('of four tables of weight 10, at most %d together are %d', ([maxWeight, count]) => {
    const { tables } = tablesOf({ a: '' }, { b: '' }, { c: '' }, { d: '' })
    const items = tables.startFlush(maxWeight)
    expect([items.length, tables.frozenCount, tables.entries]).toEqual([count, 4, 4])
    expect(tables.oldest).toBe(items[0])
    expect(tables.waitingWeight).toBe(10 * (4 - count))
    tables.flushed()
    expect([tables.frozenCount, tables.waitingWeight]).toEqual([4 - count, 10 * (4 - count)])
  })

  test('one that is too heavy by itself is flushed alone', () => {
    const { tables } = tablesOf({ a: '', b: '', c: '' }, { d: '' })
    expect(summary(tables.startFlush(5))).toEqual({ has: { a: '', b: '', c: '' }, sequence: 3, weight: 30 })
  })

  test('takes deleted ranges as well, in their places', () => {
    const { tables } = tablesOf({ a: '' }, { b: '' }, ['x', 'y'], ['p', 'q'], { c: '' })
    expect(tables.startFlush(30).map(summary)).toEqual([
      { has: { a: '' }, sequence: 1, weight: 10 },
      { has: { b: '' }, sequence: 2, weight: 10 },
      { clears: ['x', 'y'], sequence: 3, weight: 10 },
      { clears: ['p', 'q'], sequence: 4, weight: 10 },
      { has: { c: '' }, sequence: 5, weight: 10 }
    ])
    tables.flushed()
    expect([tables.isEmpty, tables.waitingWeight]).toEqual([true, 0])
  })

  test('counts the weight of tables only', () => {
    const { tables } = tablesOf(['a', 'b'], { a: '' }, ['c', 'd'], ['e', 'f'], { b: '' }, { c: '' })
    expect(tables.startFlush(20)).toHaveLength(5)
    expect(tables.waitingWeight).toBe(10)
  })

  test('takes no more than 256 tables and ranges: each entry is compared with all of them', () => {
    const writer = tablesOf()
    for (let i = 0; i < 150; i++) {
      writer.set({ a: '' })
      writer.clear('a', 'b')
    }
    const { tables } = writer
    expect([tables.startFlush(Infinity), tables.startFlush(Infinity)].map(({ length }) => length)).toEqual([256, 44])
  })

  test('what is taken together is found as before', () => {
    const { tables } = tablesOf({ a: '1', b: '1' }, { b: null, c: '2' }, { c: '3' })
    tables.startFlush(40)
    expect(Array.from('abcd', name => tables.find(name))).toEqual(['1', TOMBSTONE, '3', undefined])
  })
})

describe('the end of a flush', () => {
  test('that failed keeps everything, and the next one begins with the same', () => {
    const { tables } = tablesOf({ a: '1' }, { b: '2' }, ['x', 'y'])
    const items = tables.startFlush(1000)
    tables.flushFailed()
    expect(tables.oldest).toBe(items[0])
    expect([tables.find('a'), tables.find('b'), tables.find('x'), tables.frozenCount]).toEqual(['1', '2', TOMBSTONE, 3])
    expect(tables.startFlush(1000)).toEqual(items)
  })

  test('that failed may be followed by one that takes more together', () => {
    const { tables } = tablesOf({ a: '1' }, { b: '2' })
    tables.startFlush(0)
    tables.flushFailed()
    expect(summary(tables.startFlush(1000))).toEqual({ has: { a: '1', b: '2' }, sequence: 2, weight: 20 })
  })

  test('that was done drops what was flushed, and that alone', () => {
    const { tables } = tablesOf({ a: '1', b: '1' }, { b: '2' }, ['a', 'b'])
    tables.startFlush(0)
    expect(tables.find('a')).toBe(TOMBSTONE)
    tables.flushed()
    expect([tables.find('b'), tables.frozenCount, tables.entries]).toEqual(['2', 2, 1])
    expect(tables.freeze()).toBe(4)
  })

  test('writes and deleted ranges meanwhile stay', () => {
    const writer = tablesOf({ a: '1', b: '1' })
    writer.tables.startFlush(1000)
    writer.set({ a: '2' })
    writer.clear('b', 'c')
    writer.set({ c: '3' })
    writer.tables.flushed()
    expect(Array.from('abc', name => writer.tables.find(name))).toEqual(['2', TOMBSTONE, '3'])
    expect(writer.tables.view().map(summary)).toEqual([
      { has: { a: '2' }, sequence: 3, weight: 10 },
      { clears: ['b', 'c'], sequence: 4, weight: 10 },
      { has: { c: '3' }, sequence: 5, weight: 10 }
    ])
  })
})

describe('a view during a flush', () => {
  test('that found nothing to do merges as ever', () => {
    const writer = tablesOf()
    expect(writer.tables.startFlush(1000)).toEqual([])
    writer.set({ a: '1' })
    writer.tables.freeze()
    writer.set({ b: '2' })
    expect(writer.tables.view().map(summary)).toEqual([{ has: { a: '1', b: '2' }, sequence: 2, weight: 20 }])
  })

  test('merges nothing into what is being flushed', () => {
    const writer = tablesOf({ a: '1' })
    const [flushed] = writer.tables.startFlush(1000)
    writer.set({ b: '2', c: '2' })
    expect(writer.tables.view()).toHaveLength(2)
    writer.tables.view()
    expect(writer.tables.oldest).toBe(flushed)
    writer.tables.flushed()
    expect(writer.tables.view().map(summary)).toEqual([{ has: { b: '2', c: '2' }, sequence: 3, weight: 20 }])
  })

  test('merges the others', () => {
    const writer = tablesOf({ a: '1' })
    const [flushed] = writer.tables.startFlush(1000)
    for (const name of 'bcdef') {
      writer.set({ [name]: '2' })
      writer.tables.view()
    }
    expect(writer.tables.view()[0]).toBe(flushed)
    expect(writer.tables.view().map(summary)).toEqual([
      { has: { a: '1' }, sequence: 1, weight: 10 },
      { has: { b: '2', c: '2', d: '2', e: '2', f: '2' }, sequence: 6, weight: 50 }
    ])
  })

  test('that failed: the next view merges with what was kept', () => {
    const writer = tablesOf({ a: '1' })
    writer.tables.startFlush(1000)
    writer.set({ b: '2' })
    writer.tables.view()
    writer.tables.flushFailed()
    expect(writer.tables.view().map(summary)).toEqual([{ has: { a: '1', b: '2' }, sequence: 2, weight: 20 }])
  })

  test('that was done: the next view merges what is oldest now', () => {
    const writer = tablesOf({ a: '1' }, ['x', 'y'])
    writer.tables.startFlush(1000)
    writer.tables.flushed()
    writer.tables.startFlush(1000)
    writer.tables.flushed()
    writer.set({ b: '2' })
    writer.tables.freeze()
    writer.set({ c: '2' })
    expect(writer.tables.view().map(summary)).toEqual([{ has: { b: '2', c: '2' }, sequence: 4, weight: 20 }])
  })
})

/** The first two of four items, taken one after the other. */
function taken() {
  const { tables } = tablesOf({ a: '1' }, { a: '2', b: '2' }, ['b', 'c'], { d: '4' })
  return { tables, first: tables.startFlush(0), second: tables.startFlush(0) }
}

describe('what is taken while something is on its way', () => {
  test('comes behind it, and all of it counts as on its way', () => {
    const { tables, first, second } = taken()
    expect([summary(first), summary(second)]).toMatchObject([{ has: { a: '1' } }, { has: { a: '2', b: '2' } }])
    expect(tables.oldest).toBe(first[0])
    expect(tables.nextToFlush).toMatchObject({ clear: { start: 'b', end: 'c' } })
    expect([tables.frozenCount, tables.waitingWeight]).toEqual([4, 10])
  })

  test('stays when the first is done, and goes after it', () => {
    const { tables, second } = taken()
    tables.flushed()
    expect(tables.oldest).toBe(second[0])
    expect([tables.find('a'), tables.frozenCount, tables.waitingWeight]).toEqual(['2', 3, 10])
    tables.flushed()
    expect([tables.find('a'), tables.frozenCount, tables.waitingWeight]).toEqual([undefined, 2, 10])
    expect(summary(tables.startFlush(0))).toMatchObject({ clears: ['b', 'c'] })
  })

  test('is taken back when the first fails', () => {
    const { tables, first, second } = taken()
    tables.flushFailed()
    expect([tables.find('a'), tables.frozenCount, tables.waitingWeight]).toEqual(['2', 4, 40])
    expect(tables.startFlush(30).slice(0, 2)).toEqual([...first, ...second])
    expect(tables.nextToFlush).toMatchObject({ firstSequence: 5 })
  })

  test('is not merged by a view', () => {
    const writer = tablesOf({ a: '1' }, { b: '2' })
    const { tables } = writer
    tables.startFlush(0)
    tables.startFlush(0)
    writer.set({ c: '3' })
    expect(tables.view().length).toBe(3)
    writer.set({ d: '4' })
    expect(tables.view().length).toBe(3)
  })

  test('is nothing when everything is', () => {
    const { tables } = tablesOf({ a: '1' })
    tables.startFlush(0)
    expect([tables.nextToFlush, tables.startFlush(1000)]).toEqual([undefined, []])
    tables.flushed()
    expect([tables.isEmpty, tables.frozenCount]).toEqual([true, 0])
  })
})

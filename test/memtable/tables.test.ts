import { describe, expect, test } from 'vitest'
import { TOMBSTONE } from '../../src/memtable/memtable.js'
import { type Frozen, findIn, Tables } from '../../src/memtable/tables.js'
import { type Entries, foundOf, frozenOf } from './filled-tables.js'
import { summary, TablesWriter } from './tables-writer.js'

/** Tables into which was written; records count from 1, each of weight 10. */
function written(...writes: (Entries | [start: string, end: string | undefined] | 'freeze')[]): Tables<string> {
  const writer = new TablesWriter()
  for (const write of writes) {
    if (write === 'freeze') writer.tables.freeze()
    else if (Array.isArray(write)) writer.clear(...write)
    else writer.set(write)
  }
  return writer.tables
}

/** How many keys each table of a view has. */
function sizesIn(tables: Tables<string>): number[] {
  return tables.view().map(item => ('table' in item ? item.table.size : 0))
}

describe('finding', () => {
  test('nothing is known of a key that was not written', () => {
    expect(new Tables<string>().find('a')).toBeUndefined()
    expect(written({ b: '1' }, 'freeze', { c: '1' }).find('a')).toBeUndefined()
  })

  test('the newest entry wins, frozen or not', () => {
    const tables = written({ a: '1', b: '1', c: '1', d: null }, 'freeze', { b: '2', c: '2' }, 'freeze', {
      c: '3',
      d: '3'
    })
    expect(Array.from('abcd', name => tables.find(name))).toEqual(['1', '2', '3', '3'])
  })

  test('a tombstone hides what is older, frozen or not', () => {
    const tables = written({ a: '1', b: '1' }, 'freeze', { a: null }, 'freeze', { b: null })
    expect(Array.from('ab', name => tables.find(name))).toEqual([TOMBSTONE, TOMBSTONE])
  })

  test('an empty value is found, and not taken for a missing one', () => {
    expect(written({ a: '1' }, 'freeze', { a: '' }).find('a')).toBe('')
    expect(written({ a: '1' }, 'freeze', { a: '' }, 'freeze').find('a')).toBe('')
  })

  test('a deleted range hides what was written before it and nothing that came after', () => {
    const tables = written({ a: '1', b: '1', c: '1', d: '1' }, ['b', 'd'], { c: '2' })
    expect(Array.from('abcd', name => tables.find(name))).toEqual(['1', TOMBSTONE, '2', '1'])
    tables.freeze()
    expect(Array.from('abcd', name => tables.find(name))).toEqual(['1', TOMBSTONE, '2', '1'])
  })

  test('a deleted range says so of keys that no table has: the backend may', () => {
    const tables = written(['b', undefined])
    expect(['a', 'b', '\xff'].map(name => tables.find(name))).toEqual([undefined, TOMBSTONE, TOMBSTONE])
  })

  test('of several deleted ranges each hides what is older than it', () => {
    const tables = written({ a: '1', m: '1' }, ['a', 'b'], { a: '2', n: '2' }, ['m', 'z'], { n: '3' }, 'freeze')
    expect(Array.from('amno', name => tables.find(name))).toEqual(['2', TOMBSTONE, '3', TOMBSTONE])
  })

  test('in a list of what is frozen the last item is the newest', () => {
    const frozen = frozenOf([{ a: '1', b: '1' }, { b: '2' }, { start: 'a', end: 'b' }, { c: null }])
    expect(Array.from('abcd', name => findIn(frozen, name))).toEqual([TOMBSTONE, '2', TOMBSTONE, undefined])
    expect(findIn([], 'a')).toBeUndefined()
  })
})

describe('freezing', () => {
  test('the table that takes writes becomes the newest frozen one', () => {
    const writer = new TablesWriter()
    writer.set({ b: '1', a: '2' })
    expect(writer.tables.freeze()).toBe(2)
    writer.set({ c: null })
    expect(writer.tables.freeze()).toBe(3)
    expect(writer.tables.frozenCount).toBe(2)
    expect(summary(writer.tables.startFlush(0))).toEqual({ has: { a: '2', b: '1' }, sequence: 2, weight: 20 })
    const { oldest } = writer.tables
    expect(oldest !== undefined && 'table' in oldest && oldest.table.isFrozen).toBe(true)
  })

  test('it starts over with a table that has nothing', () => {
    const writer = new TablesWriter()
    writer.set({ a: '1' })
    expect(writer.tables.activeWeight).toBe(10)
    writer.tables.freeze()
    expect(writer.tables.activeWeight).toBe(0)
    writer.set({ a: '2' })
    expect(writer.tables.activeWeight).toBe(10)
    expect(writer.tables.find('a')).toBe('2')
  })

  test('without anything new it says up to which record everything is frozen', () => {
    const writer = new TablesWriter()
    expect(writer.tables.freeze()).toBe(0)
    expect(writer.tables.frozenCount).toBe(0)
    writer.set({ a: '1', b: '1' })
    writer.tables.freeze()
    expect(writer.tables.freeze()).toBe(2)
    expect(writer.tables.frozenCount).toBe(1)
    writer.clear('a', 'b')
    expect(writer.tables.freeze()).toBe(3)
    expect(writer.tables.frozenCount).toBe(2)
  })

  test('a deleted range freezes what was written before it', () => {
    const writer = new TablesWriter()
    writer.clear('x', 'y')
    expect(writer.tables.frozenCount).toBe(1)
    writer.set({ a: '1' })
    writer.clear('a', 'b')
    writer.set({ a: '2' })
    expect(writer.tables.view().map(summary)).toEqual([
      { clears: ['x', 'y'], sequence: 1, weight: 10 },
      { has: { a: '1' }, sequence: 2, weight: 10 },
      { clears: ['a', 'b'], sequence: 3, weight: 10 },
      { has: { a: '2' }, sequence: 4, weight: 10 }
    ])
  })

  test('a record that overwrites counts its weight all the same', () => {
    const writer = new TablesWriter()
    for (const value of ['1', '2', null]) writer.set({ a: value })
    expect(writer.tables.activeWeight).toBe(30)
    expect(writer.tables.view().map(summary)).toEqual([{ has: { a: null }, sequence: 3, weight: 30 }])
  })
})

describe('what is in them', () => {
  test('entries and bytes are those of all tables', () => {
    const writer = new TablesWriter()
    const { tables } = writer
    const flushOldest = () => {
      tables.startFlush(0)
      tables.flushed()
    }
    const steps: [act: () => unknown, entries: number, bytes: number][] = [
      [() => {}, 0, 0],
      [() => writer.set({ a: '12', bb: null }), 2, 5],
      [() => tables.freeze(), 2, 5],
      [() => writer.set({ a: '1' }), 3, 7],
      [() => writer.clear('a', 'z'), 3, 7],
      [() => writer.set({ a: '123' }), 4, 11],
      [() => tables.freeze(), 4, 11],
      [flushOldest, 2, 6],
      [flushOldest, 1, 4],
      [flushOldest, 1, 4],
      [flushOldest, 0, 0]
    ]
    for (const [i, [act, entries, bytes]] of steps.entries()) {
      act()
      expect([i, tables.entries, tables.bytes]).toEqual([i, entries, bytes])
    }
  })

  test('they are empty when nothing waits for the backend', () => {
    const writer = new TablesWriter()
    const { tables } = writer
    expect(tables.isEmpty).toBe(true)
    writer.set({ a: null })
    expect(tables.isEmpty).toBe(false)
    tables.freeze()
    expect(tables.isEmpty).toBe(false)
    tables.startFlush(0)
    tables.flushed()
    expect(tables.isEmpty).toBe(true)
    writer.clear('a', 'b')
    expect(tables.isEmpty).toBe(false)
  })
})

describe('a view', () => {
  test('of nothing is empty', () => {
    expect(new Tables<string>().view()).toEqual([])
  })

  test('has what was written before it and never changes', () => {
    const writer = new TablesWriter()
    const { tables } = writer
    const views: { view: readonly Frozen<string>[]; before: unknown }[] = []
    const take = () => {
      const view = tables.view()
      views.push({ view, before: view.map(summary) })
    }
    writer.set({ a: '1', b: '1', c: '1' })
    take()
    writer.set({ a: '2', d: null })
    take()
    writer.clear('b', 'c')
    take()
    writer.set({ b: '3' })
    take()
    tables.startFlush(1000)
    writer.set({ c: '4' })
    take()
    tables.flushFailed()
    take()
    while (tables.startFlush(1000).length > 0) tables.flushed()
    writer.set({ a: '5' })
    take()
    for (const { view, before } of views) expect(view.map(summary)).toEqual(before)
    expect(views.map(({ view }) => ['a', 'b', 'c', 'd'].map(name => findIn(view, name)))).toEqual([
      ['1', '1', '1', undefined],
      ['2', '1', '1', TOMBSTONE],
      ['2', TOMBSTONE, '1', TOMBSTONE],
      ['2', '3', '1', TOMBSTONE],
      ['2', '3', '4', TOMBSTONE],
      ['2', '3', '4', TOMBSTONE],
      ['5', undefined, undefined, undefined]
    ])
  })

  test('is the same one as long as nothing is written', () => {
    const tables = written({ a: '1' }, ['b', 'c'], { d: '1' })
    expect(tables.view()).toBe(tables.view())
  })

  test('of two tables makes one, which has the newest of each key', () => {
    const tables = written({ a: '1', b: '1' }, 'freeze', { b: null, c: '2' })
    expect(tables.view().map(summary)).toEqual([{ has: { a: '1', b: null, c: '2' }, sequence: 4, weight: 40 }])
    expect(foundOf(null)).toBe(tables.find('b'))
    expect(tables.frozenCount).toBe(1)
  })

  test('its tables are frozen, merged ones as well', () => {
    const tables = written({ a: '1' }, ['x', 'y'], { b: '1' }, 'freeze', { c: '1' })
    expect(sizesIn(tables)).toEqual([1, 0, 2])
    const frozen = tables.view().map(item => ('table' in item ? item.table.isFrozen : undefined))
    expect(frozen).toEqual([true, undefined, true])
  })

  test('merges the newest table with one up to twice its size', () => {
    const six = { a: '', b: '', c: '', d: '', e: '', f: '' }
    expect(sizesIn(written(six, 'freeze', { x: '', y: '' }))).toEqual([6, 2])
    expect(sizesIn(written(six, 'freeze', { x: '', y: '', z: '' }))).toEqual([9])
    expect(sizesIn(written({ x: '' }, 'freeze', six))).toEqual([7])
  })

  test('merges on as long as the newest is large enough', () => {
    const writer = new TablesWriter()
    const sizes: number[][] = []
    for (let i = 0; i < 9; i++) {
      writer.set({ [`k${i}`]: '' })
      sizes.push(sizesIn(writer.tables))
    }
    expect(sizes).toEqual([[1], [2], [3], [3, 1], [5], [5, 1], [5, 2], [8], [8, 1]])
    expect(writer.tables.entries).toBe(9)
  })

  test('taken after every write leaves few tables', () => {
    const writer = new TablesWriter()
    let most = 0
    for (let i = 0; i < 1000; i++) {
      writer.set({ [`k${i}`]: '' })
      most = Math.max(most, writer.tables.view().length)
    }
    expect(most).toBeLessThan(12)
    const view = writer.tables.view()
    expect(view.reduce((sum, { weight }) => sum + weight, 0)).toBe(10_000)
    expect(view.at(-1)!.sequence).toBe(1000)
  })

  test('merges nothing over a deleted range', () => {
    const tables = written({ a: '1' }, ['x', 'y'], { b: '1' })
    expect(tables.view()).toHaveLength(3)
    const alone = written(['x', 'y'], { b: '1' })
    expect(alone.view()).toHaveLength(2)
    expect(written({ b: '1' }, ['x', 'y'], ['z', undefined]).view()).toHaveLength(3)
  })
})

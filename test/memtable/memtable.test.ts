import { describe, expect, test } from 'vitest'
import { MemTable, TOMBSTONE } from '../../src/memtable/memtable.js'
import { thrownCode } from '../support/thrown-code.js'
import { contentOf, tableOf } from './filled-tables.js'

const bytes = (text: string) => Buffer.from(text)

describe('by key', () => {
  test('a key has the value that was put last', () => {
    const table = new MemTable()
    expect([table.get('a'), table.has('a')]).toEqual([undefined, false])
    table.put('a', bytes('first'))
    table.put('b', bytes('other'))
    table.put('a', bytes('second'))
    expect(table.get('a')).toEqual(bytes('second'))
    expect(table.get('b')).toEqual(bytes('other'))
    expect([table.has('a'), table.has('b'), table.has('c')]).toEqual([true, true, false])
  })

  test('a value is the one that was put, not a copy', () => {
    const table = new MemTable()
    const value = bytes('value')
    table.put('a', value)
    expect(table.get('a')).toBe(value)
    expect([...table.entries()][0]![1]).toBe(value)
  })

  test('an empty value is found, and not taken for a missing one', () => {
    const table = new MemTable()
    table.put('a', bytes(''))
    expect([table.get('a'), table.has('a')]).toEqual([bytes(''), true])
    expect([...table.entries()]).toEqual([[bytes('a'), bytes('')]])
  })

  test('a deleted key has no value, but is told from one that never was', () => {
    const table = new MemTable()
    table.put('a', bytes('value'))
    table.del('a')
    table.del('b')
    for (const key of ['a', 'b', 'c']) expect([table.get(key), table.has(key)]).toEqual([undefined, false])
    expect(['a', 'b', 'c'].map(name => table.find(name))).toEqual([TOMBSTONE, TOMBSTONE, undefined])
    expect([...table.entries()]).toEqual([
      [bytes('a'), undefined],
      [bytes('b'), undefined]
    ])
  })

  test('a key that was deleted may be put again', () => {
    const table = tableOf({ a: 'first' })
    table.del('a')
    table.put('a', 'second')
    expect([table.get('a'), table.has('a'), table.find('a')]).toEqual(['second', true, 'second'])
    expect(contentOf(table)).toEqual([['a', 'second']])
  })

  test('text stands for its UTF-8, bytes for themselves', () => {
    const table = new MemTable<string>()
    table.put('é', 'text')
    expect(table.get(bytes('é'))).toBe('text')
    expect(table.get(new Uint8Array([0xc3, 0xa9]))).toBe('text')
    expect(table.has(Buffer.from('é', 'latin1'))).toBe(false)
    table.put(Buffer.from([0xe9]), 'bytes')
    table.del(bytes('é'))
    expect([table.size, table.get('é'), table.get(Buffer.from([0xe9]))]).toEqual([2, undefined, 'bytes'])
  })

  test('a key is copied: the caller may change its buffer', () => {
    const table = new MemTable<string>()
    const key = bytes('abc')
    table.put(key, 'value')
    key.fill(0)
    expect([table.get('abc'), table.get(key)]).toEqual(['value', undefined])
  })

  test('a key handed out is the caller’s own', () => {
    const table = tableOf({ abc: 'value' })
    for (const [key] of table.entries()) key.fill(0)
    expect(contentOf(table)).toEqual([['abc', 'value']])
  })

  test('the empty key is a key', () => {
    const table = new MemTable<string>()
    table.put('', 'value')
    expect([table.get(''), table.get(Buffer.alloc(0)), table.size, table.bytes]).toEqual(['value', 'value', 1, 5])
  })
})

describe('what it holds', () => {
  test('size and bytes are kept as it goes', () => {
    const table = new MemTable<string>()
    const steps: [act: () => void, size: number, bytes: number][] = [
      [() => {}, 0, 0],
      [() => table.put('key', '12345'), 1, 8],
      [() => table.put('other', ''), 2, 13],
      [() => table.put('key', '12'), 2, 10],
      [() => table.put('key', '1234567890'), 2, 18],
      [() => table.del('key'), 2, 8],
      [() => table.del('key'), 2, 8],
      [() => table.del('new'), 3, 11],
      [() => table.put('key', '1'), 3, 12],
      [() => table.put('new', '22'), 3, 14],
      [() => table.put('é', ''), 4, 16],
      [() => table.clear(), 0, 0],
      [() => table.put('key', '1'), 1, 4]
    ]
    for (const [i, [act, size, count]] of steps.entries()) {
      act()
      expect([i, table.size, table.bytes]).toEqual([i, size, count])
    }
  })

  test('a table that was cleared has nothing, and takes writes', () => {
    const table = tableOf({ b: '1', a: null })
    table.order()
    table.put('c', '2')
    table.clear()
    expect([table.get('b'), table.find('a'), table.find('c')]).toEqual([undefined, undefined, undefined])
    expect(table.order()).toEqual([])
    expect(contentOf(table)).toEqual([])
    table.put('d', '3')
    table.put('b', '4')
    expect(contentOf(table)).toEqual([
      ['b', '4'],
      ['d', '3']
    ])
  })
})

describe('frozen', () => {
  const WRITES: Record<string, (table: MemTable<string>) => void> = {
    'put of a new key': table => table.put('new', ''),
    'put of a key that it has': table => table.put('a', '2'),
    del: table => table.del('a'),
    set: table => table.set('a', '2'),
    'set of a tombstone': table => table.set('new', TOMBSTONE),
    clear: table => table.clear()
  }

  test.for(Object.entries(WRITES))('%s is refused, and changes nothing', ([, write]) => {
    const table = tableOf({ b: '1', a: '1' })
    table.freeze()
    expect(thrownCode(() => write(table))).toBe('LEVEL_READONLY')
    expect(() => write(table)).toThrow(/frozen/)
    expect([table.size, table.bytes]).toEqual([2, 4])
    expect(contentOf(table)).toEqual([
      ['a', '1'],
      ['b', '1']
    ])
  })

  test('it says so, and freezing it again is no error', () => {
    const table = new MemTable()
    expect(table.isFrozen).toBe(false)
    table.freeze()
    table.freeze()
    expect(table.isFrozen).toBe(true)
  })

  test('it can be read, and put in order', () => {
    const table = tableOf({ b: '1', a: null })
    table.freeze()
    expect([table.get('b'), table.has('b'), table.find('a')]).toEqual(['1', true, TOMBSTONE])
    expect(table.order()).toEqual(['a', 'b'])
  })
})

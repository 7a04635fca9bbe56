import { describe, expect, test } from 'vitest'
import { MemTable } from '../../src/memtable/memtable.js'
import { Gate } from '../support/gate.js'
import { contentOf, isInOrder, shuffledNames, tableOf } from './filled-tables.js'

function tableWith(names: readonly string[]): MemTable<string> {
  const table = new MemTable<string>()
  for (const name of names) table.set(name, name)
  return table
}

/** As large arrays are compared quickly. */
function joined(names: readonly string[]): string {
  return names.join()
}

function never(): never {
  throw new Error('there is nothing to do between pauses')
}

describe('order', () => {
  test('an empty table has none', () => {
    expect(new MemTable().order()).toEqual([])
  })

  test('has each name once, also of what was overwritten or deleted', () => {
    const table = tableOf({ c: '1', a: '2', b: null })
    for (const name of ['a', 'b', 'c']) table.put(name, 'again')
    table.del('c')
    expect(table.order()).toEqual(['a', 'b', 'c'])
  })

  test('takes in what was written after it was asked for', () => {
    const names = shuffledNames(600)
    const table = new MemTable<string>()
    for (const [i, name] of names.entries()) {
      table.set(name, name)
      if (i % 110 === 0) table.order()
    }
    expect(joined(table.order())).toBe(joined(names.toSorted()))
  })

  test('that was handed out does not change', () => {
    const table = tableOf({ b: '1' })
    const before = table.order()
    table.put('a', '2')
    table.order()
    expect(before).toEqual(['b'])
  })

  test('that is not asked for anew is the same one', () => {
    const table = tableOf({ b: '1', a: '2' })
    const order = table.order()
    table.put('a', 'overwritten')
    expect(table.order()).toBe(order)
  })
})

describe('preparing the order', () => {
  test('leaves order() nothing to do', async () => {
    const names = shuffledNames(5000)
    const table = tableWith(names)
    table.freeze()
    expect(isInOrder(table)).toBe(false)
    await table.prepareOrder(() => undefined)
    expect(isInOrder(table)).toBe(true)
    expect(joined(table.order())).toBe(joined(names.toSorted()))
  })

  test('pauses between steps, and goes on when it may', async () => {
    const names = shuffledNames(4097)
    const table = tableWith(names)
    table.freeze()
    const gates = Array.from({ length: 3 }, () => new Gate())
    let pauses = 0
    const prepared = table.prepareOrder(() => gates[pauses++]!.wait())
    for (const [i, gate] of gates.entries()) {
      await gate.reached
      expect([pauses, isInOrder(table)]).toEqual([i + 1, false])
      gate.open()
    }
    await prepared
    expect(pauses).toBe(3)
    expect(isInOrder(table)).toBe(true)
    expect(joined(table.order())).toBe(joined(names.toSorted()))
  })

  test('goes straight on where no pause is wanted', async () => {
    const table = tableWith(shuffledNames(4097))
    table.freeze()
    let pauses = 0
    const prepared = table.prepareOrder(() => {
      pauses++
      return undefined
    })
    expect([pauses, isInOrder(table)]).toEqual([3, true])
    await prepared
  })

  test('is done once for all who ask', async () => {
    const names = shuffledNames(4097)
    const table = tableWith(names)
    table.freeze()
    const gate = new Gate()
    let finished = 0
    const pause = () => gate.wait()
    const others = Array.from({ length: 3 }, () => table.prepareOrder(pause).then(() => finished++))
    await gate.reached
    expect([gate.arrivals, finished]).toEqual([1, 0])
    gate.open()
    await Promise.all(others)
    expect([gate.arrivals, finished]).toEqual([3, 3])
    expect(joined(table.order())).toBe(joined(names.toSorted()))
  })

  test('does nothing once it is in order', async () => {
    const table = tableWith(shuffledNames(5000))
    table.freeze()
    table.order()
    await expect(table.prepareOrder(never)).resolves.toBeUndefined()
    await expect(new MemTable().prepareOrder(never)).resolves.toBeUndefined()
  })

  test('who cannot wait has the order at once meanwhile', async () => {
    const names = shuffledNames(4097)
    const table = tableWith(names)
    table.freeze()
    const gate = new Gate()
    const prepared = table.prepareOrder(() => gate.wait())
    await gate.reached
    expect(joined(table.order())).toBe(joined(names.toSorted()))
    gate.open()
    await prepared
    expect(joined(table.order())).toBe(joined(names.toSorted()))
  })

  test('is possible after the table was read in order and written on', async () => {
    const table = tableOf({ c: '1', a: '2' })
    table.order()
    await table.prepareOrder(() => undefined)
    table.put('b', '3')
    table.freeze()
    let pauses = 0
    await table.prepareOrder(() => {
      pauses++
      return undefined
    })
    expect(pauses).toBe(1)
    expect(isInOrder(table)).toBe(true)
    expect(table.order()).toEqual(['a', 'b', 'c'])
  })

  test('writes that come after it are in the order', async () => {
    const table = tableOf({ c: '1', a: '2' })
    await table.prepareOrder(() => undefined)
    table.put('b', '3')
    expect(table.order()).toEqual(['a', 'b', 'c'])
  })

  test('a pause that fails is told, and the order is there all the same', async () => {
    const table = tableOf({ b: '1', a: '2' })
    table.freeze()
    await expect(table.prepareOrder(() => Promise.reject(new Error('closing')))).rejects.toThrow('closing')
    expect(table.order()).toEqual(['a', 'b'])
  })
})

describe('merged', () => {
  test('the newer table wins, also with what it deleted', () => {
    const older = tableOf({ a: 'old', b: 'old', c: null, e: 'old' })
    const newer = tableOf({ d: 'new', b: 'new', c: 'new', e: null })
    const merged = MemTable.merged(older, newer)
    expect(contentOf(merged)).toEqual([
      ['a', 'old'],
      ['b', 'new'],
      ['c', 'new'],
      ['d', 'new'],
      ['e', null]
    ])
    expect([merged.size, merged.bytes]).toEqual([5, 5 + 3 + 3 + 3 + 3])
  })

  test.for([
    [false, false],
    [false, true],
    [true, false],
    [true, true]
  ] as const)('it is in order, its parents in order before: older %s, newer %s', ([olderFirst, newerFirst]) => {
    const older = tableOf({ d: '1', b: '2' })
    const newer = tableOf({ e: '3', a: '4', b: '5' })
    if (olderFirst) {
      older.order()
      older.put('c', '6')
    }
    if (newerFirst) newer.order()
    const names = olderFirst ? ['a', 'b', 'c', 'd', 'e'] : ['a', 'b', 'd', 'e']
    expect(MemTable.merged(older, newer).order()).toEqual(names)
  })

  test('what the older had in order is not sorted again', () => {
    const older = tableOf({ b: '1', a: '2' })
    expect(isInOrder(older)).toBe(false)
    older.order()
    expect(isInOrder(older)).toBe(true)
    expect(isInOrder(MemTable.merged(older, tableOf({ a: '3' })))).toBe(true)
    expect(isInOrder(MemTable.merged(older, tableOf({ c: '3' })))).toBe(false)
  })

  test('neither parent changes, whatever becomes of it', () => {
    const older = tableOf({ c: 'old', a: 'old' })
    older.order()
    older.put('b', 'old')
    const newer = tableOf({ b: 'new', d: null })
    older.freeze()
    newer.freeze()
    const before = [older, newer].map(table => [table.size, table.bytes])
    const merged = MemTable.merged(older, newer)
    merged.put('aa', 'merged')
    merged.del('c')
    merged.order()
    merged.put('bb', 'merged')
    merged.order()
    expect([older, newer].map(table => [table.size, table.bytes])).toEqual(before)
    expect(contentOf(older)).toEqual([
      ['a', 'old'],
      ['b', 'old'],
      ['c', 'old']
    ])
    expect(contentOf(newer)).toEqual([
      ['b', 'new'],
      ['d', null]
    ])
    merged.clear()
    expect([older.size, newer.size, merged.size]).toEqual([3, 2, 0])
    expect(older.order()).toEqual(['a', 'b', 'c'])
  })

  test('it may be written, though its parents are frozen', () => {
    const older = tableOf({ a: '1' })
    older.freeze()
    const merged = MemTable.merged(older, older)
    expect(merged.isFrozen).toBe(false)
    merged.put('b', '2')
    expect(merged.order()).toEqual(['a', 'b'])
  })

  test('an empty table adds nothing', () => {
    const table = tableOf({ b: '1', a: null })
    for (const merged of [MemTable.merged(table, tableOf({})), MemTable.merged(tableOf({}), table)]) {
      expect([merged.size, merged.bytes]).toEqual([2, 3])
      expect(contentOf(merged)).toEqual(contentOf(table))
    }
  })

  test('while the older is being put in order, it has an order of its own', async () => {
    const names = shuffledNames(4097)
    const older = tableWith(names)
    older.freeze()
    const gate = new Gate()
    const prepared = older.prepareOrder(() => gate.wait())
    await gate.reached
    const merged = MemTable.merged(older, tableOf({ '~': 'last' }))
    gate.open()
    await prepared
    expect(joined(merged.order())).toBe(joined([...names.toSorted(), '~']))
    expect(joined(older.order())).toBe(joined(names.toSorted()))
  })
})

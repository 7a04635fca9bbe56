import { expect, test } from 'vitest'
import { countBelow, countUpTo, placesOf } from '../../src/memtable/name-range.js'
import { covers } from '../../src/memtable/range-tombstone.js'

const LETTERS = Array.from('bdfhjlnp')
/** Every name in a list, one between each two, and one beyond both ends. */
const SOUGHT = Array.from('abcdefghijklmnopq')

test.for([0, 1, 2, 3, 7, 8])('names below, and up to, a name are counted among %d', count => {
  const names = LETTERS.slice(0, count)
  for (const sought of SOUGHT) {
    expect([sought, countBelow(names, sought)]).toEqual([sought, names.filter(name => name < sought).length])
    expect([sought, countUpTo(names, sought)]).toEqual([sought, names.filter(name => name <= sought).length])
  }
})

test('without bounds a range is everything', () => {
  expect(placesOf(LETTERS, {})).toEqual({ from: 0, to: 8 })
  expect(placesOf([], {})).toEqual({ from: 0, to: 0 })
})

test('each bound takes its own name in or leaves it out', () => {
  expect(placesOf(LETTERS, { gt: 'd' })).toEqual({ from: 2, to: 8 })
  expect(placesOf(LETTERS, { gte: 'd' })).toEqual({ from: 1, to: 8 })
  expect(placesOf(LETTERS, { lt: 'd' })).toEqual({ from: 0, to: 1 })
  expect(placesOf(LETTERS, { lte: 'd' })).toEqual({ from: 0, to: 2 })
})

test('gte and lte win over gt and lt', () => {
  expect(placesOf(LETTERS, { gt: 'l', gte: 'd', lt: 'f', lte: 'n' })).toEqual({ from: 1, to: 7 })
  expect(placesOf(LETTERS, { gt: 'b', gte: 'd', lt: 'p', lte: 'n' })).toEqual({ from: 1, to: 7 })
})

test('the empty name is a bound like any other', () => {
  expect(placesOf(['', 'b'], { gt: '' })).toEqual({ from: 1, to: 2 })
  expect(placesOf(['', 'b'], { gt: 'b', gte: '' })).toEqual({ from: 0, to: 2 })
  expect(placesOf(['', 'b'], { lte: '', lt: 'z' })).toEqual({ from: 0, to: 1 })
  expect(placesOf(['', 'b'], { lt: '' })).toEqual({ from: 0, to: 0 })
})

test('a range that ends before it begins has nothing', () => {
  const { from, to } = placesOf(LETTERS, { gte: 'n', lt: 'd' })
  expect(to - from).toBe(0)
})

test('a deleted range has its start and not its end', () => {
  const inside = SOUGHT.filter(name => covers({ start: 'd', end: 'h' }, name))
  expect(inside).toEqual(Array.from('defg'))
  expect(covers({ start: 'd', end: 'h' }, 'gzz')).toBe(true)
  expect(covers({ start: 'd', end: 'd' }, 'd')).toBe(false)
})

test('a deleted range without an end has everything from its start on', () => {
  expect(SOUGHT.filter(name => covers({ start: 'm', end: undefined }, name))).toEqual(Array.from('mnopq'))
  expect(covers({ start: 'm', end: undefined }, '\xff\xff')).toBe(true)
  expect(covers({ start: '', end: undefined }, '')).toBe(true)
})

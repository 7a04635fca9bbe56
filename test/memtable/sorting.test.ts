import { expect, test } from 'vitest'
import { sorting } from '../../src/memtable/sorting.js'
import { shuffledNames } from './filled-tables.js'

/** Names that one step takes. */
const STEP = 4096

function sorted(names: readonly string[], others: readonly string[]): { names: readonly string[]; steps: number } {
  const generator = sorting(names, others)
  for (let steps = 0; ; steps++) {
    const step = generator.next()
    if (step.done === true) return { names: step.value, steps }
  }
}

const NAMES = shuffledNames(4 * STEP)
const BEFORE = [0, 1, STEP + 1]
const MORE = [0, 1, 100, STEP - 1, STEP, STEP + 1, 2 * STEP + 7]

test.for(BEFORE.flatMap(before => MORE.map(more => [before, more] as const)))(
  'to %d names in order come %d more',
  ([before, more]) => {
    const inOrder = NAMES.slice(0, before).sort()
    const result = sorted(inOrder, NAMES.slice(before, before + more))
    const expected = NAMES.slice(0, before + more).sort()
    expect(result.names.length).toBe(expected.length)
    expect(expected.findIndex((name, i) => name !== result.names[i])).toBe(-1)
  }
)

test('sorting does not change the arrays that it is given', () => {
  const before = Object.freeze(shuffledNames(STEP + 5, 1).sort())
  const more = Object.freeze(shuffledNames(STEP + 5, 2).map(name => `${name}+`))
  const copies = [[...before], [...more]]
  sorted(before, more)
  expect([before, more].join()).toBe(copies.join())
})

test('without more names there is no step, and the order is the one before', () => {
  const before = shuffledNames(3 * STEP).sort()
  const result = sorted(before, [])
  expect(result.names).toBe(before)
  expect(result.steps).toBe(0)
})

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => String(from + i).padStart(6, '0'))
const many = numbered(0, 16 * STEP)

test.for([
  ['lie between those in order', many.filter((_, i) => i % 2 === 0), many.filter((_, i) => i % 2 === 1)],
  ['come after those in order', many.slice(0, 8 * STEP), many.slice(8 * STEP)],
  ['come before those in order', many.slice(8 * STEP), many.slice(0, 8 * STEP)],
  ['come last first', many.slice(0, 8 * STEP), many.slice(8 * STEP).toReversed()]
] as const)('no step takes more than its share of names when more %s', ([, before, more]) => {
  const result = sorted(before, more)
  expect(many.findIndex((name, i) => name !== result.names[i])).toBe(-1)
  // Eight runs are sorted, merged in three rounds, and then with what was in order.
  expect(result.steps).toBe(8 + 3 * 8 + 16)
})

test('names that are the first ones are only sorted and merged with each other', () => {
  expect(sorted([], shuffledNames(STEP)).steps).toBe(1)
  expect(sorted([], shuffledNames(2 * STEP)).steps).toBe(2 + 2)
  expect(sorted([], shuffledNames(3 * STEP)).steps).toBe(3 + 2 + 3)
})

import { expect, test } from 'vitest'
import { choosePlane, isConstant, pays } from '../../../src/codec/tensor/tensor-plane-choice.js'
import { seededRandom } from '../../support/seeded-random.js'

/** 10,000 elements of two bytes: the first bytes are all the same, the second ones are any of so many. */
function block(values: number): Buffer {
  const random = seededRandom(1)
  return Buffer.from(Array.from({ length: 20_000 }, (_, at) => (at % 2 === 0 ? 7 : Math.floor(random() * values))))
}

test.each([1, 2, 3, 15, 16, 17, 1000])('a plane of %i equal bytes looks constant', elements => {
  const equal = Buffer.alloc(4 * elements, Buffer.of(1, 2, 3, 4))
  for (let plane = 0; plane < 4; plane++) expect(choosePlane(equal, 4, plane)).toBe('constant')
})

test.each([
  [1, 'constant'],
  [2, 'try'],
  [128, 'try'],
  [256, 'raw']
])('what takes the same bits for each byte as any of %i is %s', (values, choice) => {
  expect(choosePlane(block(values), 2, 1)).toBe(choice)
  expect(choosePlane(block(values), 2, 0)).toBe('constant')
})

test('the last of few elements is looked at', () => {
  expect(choosePlane(Buffer.of(5, 5, 6), 1, 0)).toBe('try')
})

test('a compressed plane has to save a sixteenth', () => {
  expect([pays(150, 160), pays(151, 160), pays(15, 16), pays(16, 16)]).toEqual([true, false, true, false])
})

test('a plane is constant if all its bytes are equal', () => {
  expect([[1], [1, 1], [1, 2], [2, 1, 1], [1, 1, 2]].map(bytes => isConstant(Buffer.from(bytes)))).toEqual([
    true,
    true,
    false,
    false,
    false
  ])
})

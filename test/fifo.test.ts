import { expect, it } from 'vitest'
import { Fifo } from '../src/fifo.js'

it('gives what was put in, in that order, however much is taken at a time', () => {
  const fifo = new Fifo<number>()
  const expected: number[] = []
  let next = 0
  for (const [pushes, takes, shifts] of [
    [0, 1, 0],
    [1, 0, 1],
    [5, 2, 1],
    [3, 0, 2],
    [0, 9, 0],
    [40, 7, 11],
    [1, 20, 3],
    [2, Infinity, 0],
    [2, 1, 1]
  ] as const) {
    for (let i = 0; i < pushes; i++) {
      fifo.push(next)
      expected.push(next++)
    }
    expect(fifo.take(takes)).toEqual(expected.splice(0, takes))
    for (let i = 0; i < shifts; i++) {
      expect(fifo.first).toBe(expected[0])
      expect(fifo.shift()).toBe(expected.shift())
    }
    expect([fifo.length, fifo.first, fifo.items()]).toEqual([expected.length, expected[0], expected])
  }
  expect(next).toBe(54)
})

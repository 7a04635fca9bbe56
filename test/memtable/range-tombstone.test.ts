import { expect, test } from 'vitest'
import { united } from '../../src/memtable/range-tombstone.js'

type Range = [start: string, end?: string]

const cases: [string, Range[], Range[]][] = [
  ['no ranges', [], []],
  [
    'ranges with keys between them stay, in order',
    [
      ['c', 'd'],
      ['a', 'b']
    ],
    [
      ['a', 'b'],
      ['c', 'd']
    ]
  ],
  [
    'ranges that overlap',
    [
      ['b', 'd'],
      ['a', 'c']
    ],
    [['a', 'd']]
  ],
  [
    'ranges that touch',
    [
      ['a', 'b'],
      ['b', 'c']
    ],
    [['a', 'c']]
  ],
  [
    'a range within another',
    [
      ['b', 'c'],
      ['a', 'd']
    ],
    [['a', 'd']]
  ],
  [
    'the same range many times',
    [
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b']
    ],
    [['a', 'b']]
  ],
  ['a range without an end covers what begins later', [['b'], ['c', 'd'], ['d'], ['a', 'aa']], [['a', 'aa'], ['b']]],
  ['a range without an end joins one that reaches it', [['b'], ['a', 'c']], [['a']]],
  [
    'an empty range hides none of the others',
    [
      ['f', 'b'],
      ['f', 'g'],
      ['a', 'c']
    ],
    [
      ['a', 'c'],
      ['f', 'b'],
      ['f', 'g']
    ]
  ]
]

test.for(cases)('united: %s', ([, ranges, expected]) => {
  const given = ranges.map(([start, end]) => ({ start, end }))
  expect(united(given)).toEqual(expected.map(([start, end]) => ({ start, end })))
})
